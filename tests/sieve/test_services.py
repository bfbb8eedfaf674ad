"""What a user wants said: kept whole, refused in words, remembered for each sender."""

from dataclasses import replace

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import User
from apps.runtime.clock import now
from apps.sieve import queries, services
from apps.sieve.models import Vacation, VacationSent
from apps.sieve.services import Telling, Wish
from apps.wire.errors import Refused

pytestmark = pytest.mark.django_db

WISH = Wish(is_on=True, subject="Away: {subject}", text="Back on Monday.")


def test_it_keeps_a_wish_and_records_it(alice: User) -> None:
    row = services.keep(user_id=alice.pk, wish=replace(WISH, text="Back\r\non Monday.  \r\n\0"))
    assert row.text == "Back\non Monday."
    assert queries.away([alice.pk], at=now())[alice.pk].subject == "Away: {subject}"
    services.keep(user_id=alice.pk, wish=replace(WISH, days=1))
    assert services.turn_off(user_id=alice.pk)
    assert not services.turn_off(user_id=alice.pk)
    assert Vacation.objects.get().text == "Back on Monday."
    found = AuditRecord.objects.filter(action__startswith="vacation.").order_by("at", "pk")
    assert [one.action for one in found] == ["vacation.on", "vacation.change", "vacation.off"]
    assert not queries.away([alice.pk], at=now())


@pytest.mark.parametrize(
    "wish",
    [
        replace(WISH, text=" \n "),
        replace(WISH, text="x" * (services.TEXT_MOST + 1)),
        replace(WISH, outside_text="x" * (services.TEXT_MOST + 1)),
        replace(WISH, subject="x" * (services.SUBJECT_MOST + 1)),
        replace(WISH, audience="nobody"),
        replace(WISH, days=0),
        replace(WISH, days=10**9),
        replace(WISH, starts_at=-1),
        replace(WISH, ends_at=2**63),
        replace(WISH, starts_at=200, ends_at=100),
        replace(WISH, starts_at=100, ends_at=100),
    ],
)
def test_it_refuses_what_cannot_be_said(alice: User, wish: Wish) -> None:
    with pytest.raises(Refused) as refused:
        services.keep(user_id=alice.pk, wish=wish)
    assert refused.value.reply.text.endswith(".")
    assert not Vacation.objects.exists()


def test_words_may_wait_without_being_said(alice: User) -> None:
    services.keep(user_id=alice.pk, wish=Wish(is_on=False))
    assert not queries.away([alice.pk], at=now())


def test_a_sender_is_claimed_once(alice: User, bob: User) -> None:
    one = Telling(alice.pk, "carol@outside.invalid", 1, 7)
    other = Telling(bob.pk, "carol@outside.invalid", 1, 7)
    assert services.claim([one, one, other]) == {
        (alice.pk, "carol@outside.invalid"),
        (bob.pk, "carol@outside.invalid"),
    }
    assert services.claim([one, other]) == set()
    assert services.claim([replace(one, edition=2)]) == {(alice.pk, "carol@outside.invalid")}
    assert services.claim([]) == set()


def test_a_memory_written_by_a_wrong_clock_is_no_memory(alice: User) -> None:
    one = Telling(alice.pk, "carol@outside.invalid", 1, 7)
    services.claim([one])
    VacationSent.objects.update(until=now() + 400 * 86_400)
    assert len(services.claim([one])) == 1


def test_it_forgets_whom_it_need_not_remember(alice: User) -> None:
    services.claim([Telling(alice.pk, "carol@outside.invalid", 1, 7)])
    assert services.prune() == 0
    VacationSent.objects.update(until=now() - 2 * 86_400)
    assert services.prune() == 1
