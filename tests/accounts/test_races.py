"""The same code from two browsers at once: one is let in."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts import factors as reading
from apps.accounts import onetime
from apps.accounts.models import Authenticator, Passkey, RecoveryCode
from apps.accounts.services import authenticators, factors, passkeys, recoverycodes
from apps.directory.models import User
from apps.wire.errors import MailError
from tests.accounts.conftest import Clock
from tests.accounts.test_passkeys import SITE, add, ask, enter, register, show
from tests.directory.services.test_races import kinds, together
from tests.support.passkey import Passkey as Device

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 6


def enter_by(user: User, code: str, address: str) -> Callable[[], object]:
    return lambda: factors.check_code(user=user, code=code, address=address)


def won(errors: list[MailError | None]) -> int:
    return errors.count(None)


def test_a_code_lets_one_in(alice: User, app: Callable[[int], str]) -> None:
    jobs = [enter_by(alice, app(0), f"192.0.2.{number}") for number in range(TIMES)]
    errors = together(*jobs)
    assert won(errors) == 1
    assert set(kinds(errors)) <= {"NoneType", "AuthenticationFailed"}


def test_a_recovery_code_lets_one_in(alice: User, app: Callable[[int], str]) -> None:
    code = recoverycodes.make(user=alice)[0]
    jobs = [enter_by(alice, code, f"192.0.2.{number}") for number in range(TIMES)]
    assert won(together(*jobs)) == 1
    assert RecoveryCode.objects.filter(used_at=None).count() == 9


def test_an_answer_of_a_passkey_lets_one_in(alice: User, time: Clock) -> None:
    device = add(alice)
    question = ask()
    answer = device.get(dict(question.options))
    assert won(together(*[lambda: show(question, answer)] * TIMES)) == 1


def test_a_passkey_that_counts_is_used_by_one(alice: User) -> None:
    """Two copies that say the same number, each to a question of its own."""
    device = add(alice, Device(count=1))
    copy = Device(id=device.id, key=device.key, count=device.count, handle=device.handle)
    assert won(together(lambda: enter(device), lambda: enter(copy))) == 1


def test_a_set_up_is_finished_once(alice: User, time: Clock) -> None:
    secret = authenticators.start(user=alice, issuer="x").secret
    code = onetime.code_at(secret, time())
    made: list[list[str]] = []
    errors = together(*[lambda: made.append(authenticators.confirm(user=alice, code=code))] * 3)
    assert won(errors) == 1
    assert Authenticator.objects.filter(confirmed=True).count() == 1
    assert RecoveryCode.objects.count() == 10


def test_new_codes_are_ten_however_many_ask(alice: User, app: Callable[[int], str]) -> None:
    made: list[list[str]] = []
    together(*[lambda: made.append(recoverycodes.make(user=alice))] * 3)
    assert RecoveryCode.objects.count() == 10
    good = [codes for codes in made if recoverycodes.take(user=alice, code=codes[0])]
    assert len(good) == 1


def test_the_user_knows_what_the_tables_say(alice: User) -> None:
    """One passkey comes while the other goes."""
    add(alice)
    first = Passkey.objects.get()
    question = passkeys.ask_for_new(user=alice, site=SITE)
    answer: dict[str, Any] = Device().create(dict(question.options))
    errors = together(
        lambda: passkeys.remove(user=alice, passkey_id=first.pk),
        lambda: register(alice, question, answer),
    )
    assert won(errors) == 2
    alice.refresh_from_db()
    assert alice.has_factor is reading.has_factor(alice.pk) is True


def test_the_twenty_are_not_exceeded_by_two_at_once(alice: User) -> None:
    for number in range(passkeys.MOST - 1):
        add(alice, name=f"Key {number}")
    questions = [passkeys.ask_for_new(user=alice, site=SITE) for _ in range(3)]
    answers = [Device().create(dict(question.options)) for question in questions]
    pairs = zip(questions, answers, strict=True)
    errors = together(
        *[
            lambda question=question, answer=answer: register(alice, question, answer)
            for question, answer in pairs
        ]
    )
    assert won(errors) == 1
    assert Passkey.objects.count() == passkeys.MOST
