"""Codes at sign-in: each once, few tries, nobody else's; and what a reset leaves."""

import logging
from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.accounts import factors as reading
from apps.accounts import guessing, onetime
from apps.accounts.models import Authenticator, RecoveryCode, TrustedDevice, WebSession
from apps.accounts.services import authenticators, factors, recoverycodes, trusted
from apps.audit.models import AuditRecord
from apps.directory.models import Demand, Domain, Means, User
from apps.runtime import sealing
from apps.wire.errors import AuthenticationFailed, InUse, NotFound, SignInUnavailable, Throttled
from tests.accounts.conftest import Clock
from tests.support.services import wait_for

pytestmark = pytest.mark.django_db
HOME, AWAY = "192.0.2.7", "198.51.100.9"
App = Callable[[int], str]
MailErrors = (AuthenticationFailed, Throttled)
FULLWIDTH = "".join(chr(0xFF10 + digit) for digit in range(1, 7))


def check(user: User, code: str, address: str = HOME) -> Means:
    return factors.check_code(user=user, code=code, address=address)


def refused(user: User, code: str, address: str = HOME) -> bool:
    try:
        check(user, code, address)
    except AuthenticationFailed:
        return True
    return False


def test_it_is_set_up_by_its_first_code(alice: User, time: Clock) -> None:
    version = alice.credential_version
    made = authenticators.start(user=alice, issuer="mail.example.test")
    assert not reading.has_factor(alice.pk)
    with pytest.raises(AuthenticationFailed):
        authenticators.confirm(user=alice, code="000000")
    code = onetime.code_at(made.secret, time())
    codes = authenticators.confirm(user=alice, code=f"{code[:3]} {code[3:]}")
    alice.refresh_from_db()
    assert alice.has_factor
    assert alice.credential_version == version + 1  # who is signed in by the password is not, now
    assert len(set(codes)) == 10
    assert refused(alice, code)  # the first code has been used
    with pytest.raises(NotFound):
        authenticators.confirm(user=alice, code=code)


def test_it_keeps_the_old_app_until_the_new_one_has_shown_a_code(
    alice: User, app: App, time: Clock
) -> None:
    new = authenticators.start(user=alice, issuer="x")
    assert check(alice, app(0)) == Means.TOTP
    time.seconds += 60
    assert authenticators.confirm(user=alice, code=onetime.code_at(new.secret, time())) == []
    time.seconds += 60
    assert refused(alice, app(0))
    assert check(alice, onetime.code_at(new.secret, time())) == Means.TOTP


def test_it_seals_the_secret_for_its_user(alice: User, bob: User, time: Clock) -> None:
    made = authenticators.start(user=alice, issuer="x")
    row = Authenticator.objects.get(user=alice)
    assert made.secret not in bytes(row.secret)
    with pytest.raises(sealing.SealBrokenError):
        sealing.open_sealed(row.secret, context=authenticators.context(bob.pk))
    assert made.key not in repr(made)
    assert repr(made.secret) not in repr(made)


def test_it_is_set_up_anew_when_its_key_is_gone(
    alice: User, time: Clock, settings: Settings
) -> None:
    authenticators.start(user=alice, issuer="x")
    settings.ENCRYPTION_KEY = ("A" * 43 + "=",)
    assert authenticators.waiting(user=alice, issuer="x") is None
    made = authenticators.start(user=alice, issuer="x")
    assert authenticators.waiting(user=alice, issuer="x") == made


def test_it_takes_a_code_once(alice: User, app: App, time: Clock) -> None:
    code = app(0)
    assert check(alice, code) == Means.TOTP
    assert refused(alice, code)
    assert refused(alice, app(-30))  # of a step before that
    time.seconds += 30
    assert check(alice, app(0)) == Means.TOTP


def test_it_remembers_how_far_the_clock_is_off(alice: User, app: App, time: Clock) -> None:
    assert check(alice, app(-30)) == Means.TOTP
    assert Authenticator.objects.get(user=alice, confirmed=True).drift == -1
    time.seconds += 600
    assert check(alice, app(-60)) == Means.TOTP  # one step from where it was
    time.seconds += 600
    assert refused(alice, app(0))


@pytest.mark.parametrize(
    "typed", ["", "١٢٣٤٥٦", "12345", "x" * 100_000, "\0", "' OR 1=1 --", FULLWIDTH]
)
def test_it_refuses_what_is_no_code(alice: User, app: App, typed: str) -> None:
    assert refused(alice, typed)


def test_it_takes_no_code_of_another(alice: User, bob: User, app: App, time: Clock) -> None:
    secret = authenticators.start(user=bob, issuer="x").secret
    codes = authenticators.confirm(user=bob, code=onetime.code_at(secret, time()))
    time.seconds += 60
    assert refused(alice, onetime.code_at(secret, time()))
    assert refused(alice, codes[0])
    assert check(bob, codes[0]) == Means.RECOVERY_CODE


def test_it_takes_no_code_of_an_app_that_is_being_set_up(alice: User, time: Clock) -> None:
    secret = authenticators.start(user=alice, issuer="x").secret
    assert refused(alice, onetime.code_at(secret, time()))


def test_it_takes_a_recovery_code_once_and_none_that_was_replaced(alice: User, app: App) -> None:
    old = recoverycodes.make(user=alice)
    assert check(alice, f" {old[0].upper()} ") == Means.RECOVERY_CODE
    assert refused(alice, old[0])
    assert reading.summary(alice).codes_left == 9
    new = recoverycodes.make(user=alice)
    assert refused(alice, old[1])
    assert check(alice, new[1].replace("-", "")) == Means.RECOVERY_CODE
    kept = b"".join(bytes(row.digest) for row in RecoveryCode.objects.all())
    assert not any(code.encode() in kept for code in new)


def test_it_makes_no_recovery_codes_for_nothing(alice: User) -> None:
    with pytest.raises(NotFound):
        recoverycodes.make(user=alice)


def test_it_slows_down_guessing_and_not_the_owner(alice: User, app: App, time: Clock) -> None:
    assert check(alice, app(0), HOME) == Means.TOTP
    wrong = f"{(int(app(300)) + 1) % 10**6:06d}"
    outcomes = []
    for number in range(80):
        try:
            check(alice, wrong, f"198.51.{number}.1")
        except MailErrors as error:
            outcomes.append(type(error))
    # A botnet, each guess from somewhere else: the account's own count ends it.
    assert outcomes.count(AuthenticationFailed) <= guessing.MOST
    assert outcomes[-1] is Throttled
    time.seconds += 60
    with pytest.raises(Throttled):
        check(alice, app(0), AWAY)
    assert check(alice, app(0), HOME) == Means.TOTP  # at home nothing has changed


def test_it_takes_recovery_codes_from_anywhere_while_codes_are_guessed(
    alice: User, app: App
) -> None:
    code = recoverycodes.make(user=alice)[0]
    for number in range(guessing.MOST + 10):
        with pytest.raises(MailErrors):
            check(alice, "000000", f"198.51.{number}.1")

    def is_taken() -> bool:
        try:
            return check(alice, code, AWAY) == Means.RECOVERY_CODE
        except Throttled:  # ten attempts a second, from new networks
            return False

    wait_for(is_taken, 10, "the code was not taken")


def test_it_counts_before_it_looks(alice: User, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many guesses at once none is free: whoever has no turn is not even compared."""
    looked: list[str] = []

    def take(*, user: User, code: str) -> bool:
        looked.append(code)
        return False

    monkeypatch.setattr(authenticators, "take", take)
    for number in range(guessing.MOST + 20):
        with pytest.raises(MailErrors):
            check(alice, f"{number:06d}", f"203.0.{number}.1")
    assert len(looked) <= guessing.MOST


def test_it_looks_at_no_code_when_it_cannot_count(
    alice: User, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError("no cache")

    code = recoverycodes.make(user=alice)[0]
    for name in ("add", "incr", "delete_many", "get_many", "set"):
        monkeypatch.setattr(cache, name, away)
    with pytest.raises(SignInUnavailable):
        check(alice, app(0))
    assert check(alice, code) == Means.RECOVERY_CODE  # which nobody can guess


def test_it_says_nothing_of_codes_to_the_log(
    alice: User, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = authenticators.start(user=alice, issuer="x")
    codes = recoverycodes.make(user=alice)
    check(alice, codes[0])
    refused(alice, codes[0])
    told = caplog.text + "".join(str(row.detail) for row in AuditRecord.objects.all())
    for word in (*codes, onetime.spelled(secret.secret), app(0)):
        assert word not in told
        assert word.replace("-", "") not in told


def test_it_records_what_was_done(alice: User, app: App) -> None:
    recoverycodes.make(user=alice)
    authenticators.remove(user=alice)
    rows = AuditRecord.objects.filter(user_id=alice.pk, action__startswith="factor.")
    assert list(rows.order_by("pk").values_list("action", flat=True)) == [
        "factor.add",
        "factor.codes",
        "factor.codes",
        "factor.remove",
    ]
    first = rows.order_by("pk").first()
    assert first is not None
    assert first.domain_id == alice.domain_id


def test_it_takes_the_codes_and_the_trust_away_with_the_last_factor(alice: User, app: App) -> None:
    trusted.trust(user=alice)
    authenticators.remove(user=alice)
    alice.refresh_from_db()
    assert not alice.has_factor
    assert not RecoveryCode.objects.exists()
    assert not TrustedDevice.objects.exists()
    with pytest.raises(NotFound):
        authenticators.remove(user=alice)


def test_it_keeps_the_last_factor_while_the_domain_asks_for_one(
    alice: User, domain: Domain, app: App
) -> None:
    Domain.objects.filter(pk=domain.pk).update(factor_demand=Demand.EVERYBODY)
    with pytest.raises(InUse):
        authenticators.remove(user=alice)
    assert reading.has_factor(alice.pk)
    assert not AuditRecord.objects.filter(action="factor.remove").exists()


def test_a_reset_takes_everything(alice: User, domain: Domain, app: App) -> None:
    Domain.objects.filter(pk=domain.pk).update(factor_demand=Demand.EVERYBODY)
    trusted.trust(user=alice)
    now = alice.created_at
    WebSession.objects.create(session_key="a" * 64, session_data="", expire_date=now, user=alice)
    code = recoverycodes.make(user=alice)[0]
    assert factors.reset(user=alice) == 1
    alice.refresh_from_db()
    assert not alice.has_factor
    assert not WebSession.objects.exists()
    assert not TrustedDevice.objects.exists()
    assert refused(alice, code)
    assert AuditRecord.objects.filter(action="factor.reset", user_id=alice.pk).exists()


def test_it_reads_a_summary_in_four_statements(alice: User, app: App) -> None:
    with CaptureQueriesContext(connection) as seen:
        found = reading.summary(alice)
    assert len(seen) == 4
    assert found.is_any
    assert (found.codes_left, found.codes_made) == (10, 10)
