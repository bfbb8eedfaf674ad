"""How much may be sent: which limits apply, what is counted, who is told."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from unittest.mock import ANY
from uuid import UUID

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from apps.directory import limits
from apps.directory.limits import Allowance, Limits, MeterReached, allowances, limits_of
from apps.directory.models import Domain, Organization, SendCount, User
from apps.directory.services.limits import (
    Sending,
    Tally,
    count,
    is_news,
    prune,
    set_limits,
)
from apps.runtime.ulid import new_ulid
from apps.wire.errors import InvalidName, SendLimitReached, TooManyRecipients

NOON = datetime(2030, 1, 31, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as found:
        yield found


@pytest.fixture(autouse=True)
def _no_limits(settings: Settings) -> None:
    """Each test sets its own."""
    for name in limits.FIELDS[:4]:
        setattr(settings, f"SEND_{name.upper()}", 0)


def of(user: User) -> Limits:
    return limits_of([user.pk])[user.pk]


def send(user: User, *recipients: int) -> list[bool]:
    """Count messages with so many recipients each, in one transaction; which were let pass."""
    wanted = [Sending(new_ulid(), user.pk, number) for number in recipients]
    with transaction.atomic():
        tally = count(wanted)
    return [item.id not in tally.refused for item in wanted]


def counted(scope: str) -> dict[str, tuple[int, int]]:
    rows = SendCount.objects.filter(scope=scope)
    return {row.period: (row.messages, row.recipients) for row in rows}


def limit(user: User | Domain | Organization, **changes: int | None) -> None:
    kind: Mapping[str, object] = {type(user).__name__.lower(): user}
    set_limits(changes=changes, **kind)  # type: ignore[arg-type]


def test_it_takes_the_settings_where_nothing_is_set(alice: User, settings: Settings) -> None:
    settings.SEND_MESSAGES_PER_HOUR = 30
    settings.SEND_RECIPIENTS_PER_DAY = 500
    settings.SEND_RECIPIENTS_PER_MESSAGE = 20
    found = of(alice)
    assert found.recipients_per_message == 20
    assert [(one.scope, one.span, one.messages, one.recipients) for one in found.meters] == [
        (f"user/{alice.pk}", "hour", 30, 0),
        (f"user/{alice.pk}", "day", 0, 500),
    ]


def test_it_puts_a_users_own_limits_before_the_settings(alice: User, settings: Settings) -> None:
    settings.SEND_MESSAGES_PER_HOUR = 30
    limit(alice, messages_per_hour=1_000, recipients_per_message=500)
    assert [one.messages for one in of(alice).meters] == [1_000]
    assert of(alice).recipients_per_message == 500
    limit(alice, messages_per_hour=0)
    assert of(alice).meters == ()
    limit(alice, messages_per_hour=None)
    assert [one.messages for one in of(alice).meters] == [30]


def test_it_takes_the_least_number_of_recipients_per_message(alice: User, domain: Domain) -> None:
    limit(alice, recipients_per_message=500)
    limit(domain, recipients_per_message=50)
    assert of(alice).recipients_per_message == 50
    limit(domain.organization, recipients_per_message=10)
    assert of(alice).recipients_per_message == 10


def test_it_has_no_bound_where_nobody_sets_one(alice: User) -> None:
    limit(alice, recipients_per_message=0)
    assert of(alice).recipients_per_message == limits.UNBOUNDED


def test_it_counts_by_hour_and_day(alice: User, clock: time_machine.Traveller) -> None:
    limit(alice, messages_per_hour=2, messages_per_day=3)
    assert send(alice, 1, 4, 1) == [True, True, False]
    hour, day = counted(f"user/{alice.pk}").values()
    assert hour == day == (2, 5)
    clock.shift(1_800)  # 13:00
    assert send(alice, 1) == [True]
    assert send(alice, 1) == [False]  # the day's limit now
    clock.shift(11 * 3_600)
    assert send(alice, 1) == [True]


def test_it_counts_recipients(alice: User) -> None:
    limit(alice, recipients_per_hour=10)
    assert send(alice, 8) == [True]
    assert send(alice, 3, 2, 1) == [False, True, False]
    assert list(counted(f"user/{alice.pk}").values()) == [(2, 10)]


def test_it_counts_all_users_of_a_domain_together(alice: User, bob: User, domain: Domain) -> None:
    limit(domain, messages_per_hour=3)
    assert send(alice, 1, 1) == [True, True]
    assert send(bob, 1, 1) == [True, False]
    assert list(counted(f"domain/{domain.pk}").values()) == [(3, 3)]
    assert counted(f"user/{alice.pk}") == {}  # nothing to count it for


def test_it_counts_all_domains_of_an_organisation_together(
    alice: User, eve: User, domain: Domain
) -> None:
    limit(domain.organization, recipients_per_day=5)
    assert send(alice, 3) == [True]
    assert send(eve, 3, 2) == [False, True]


def test_it_takes_nothing_from_the_others_when_one_limit_refuses(
    alice: User, domain: Domain
) -> None:
    limit(domain, messages_per_hour=100)
    limit(alice, messages_per_hour=1)
    assert send(alice, 1, 1, 1) == [True, False, False]
    assert list(counted(f"domain/{domain.pk}").values()) == [(1, 1)]


def test_it_gives_back_what_was_not_accepted(alice: User) -> None:
    limit(alice, messages_per_hour=5)
    wanted = [Sending(new_ulid(), alice.pk, 2) for _ in range(3)]
    with transaction.atomic():
        count(wanted).give_back([wanted[0].id, new_ulid()])
    assert list(counted(f"user/{alice.pk}").values()) == [(2, 4)]


def test_it_is_undone_with_its_transaction(alice: User) -> None:
    limit(alice, messages_per_hour=5)
    with transaction.atomic():
        count([Sending(new_ulid(), alice.pk, 1)])
        transaction.set_rollback(True)
    assert counted(f"user/{alice.pk}") == {}


def refusals(user: User, *recipients: int) -> Tally:
    with transaction.atomic():
        return count([Sending(new_ulid(), user.pk, number) for number in recipients])


def test_it_says_what_the_limit_is_and_until_when(alice: User, domain: Domain) -> None:
    limit(alice, messages_per_hour=1)
    (refusal,) = refusals(alice, 1, 1).refused.values()
    assert isinstance(refusal, SendLimitReached)
    assert str(refusal.reply.text) == (
        "You may send 1 message per hour; try again after 2030-01-31 13:00 UTC"
    )
    limit(alice, messages_per_hour=0)
    limit(domain, recipients_per_day=1)
    (refusal,) = refusals(alice, 2).refused.values()
    assert refusal.reply.text == (
        "All users of example.test together may send mail to 1 recipient per day;"
        " try again after 2030-02-01 00:00 UTC"
    )


def test_it_refuses_too_many_recipients_of_one_message(alice: User) -> None:
    limit(alice, recipients_per_message=3, messages_per_hour=10)
    (refusal,) = refusals(alice, 3, 4).refused.values()
    assert isinstance(refusal, TooManyRecipients)
    assert refusal.reply.code == 452
    assert list(counted(f"user/{alice.pk}").values()) == [(1, 3)]


def test_it_makes_news_once_an_hour(alice: User, clock: time_machine.Traveller) -> None:
    limit(alice, messages_per_hour=1)
    for _ in range(2):
        (refusal,) = list(refusals(alice, 1, 1).refused.values())[-1:]
        assert isinstance(refusal, MeterReached)
        assert is_news(refusal.key)
        assert not is_news(refusal.key)
        clock.shift(3_600)


def test_it_makes_news_where_nothing_was_counted(alice: User) -> None:
    key = (f"user/{alice.pk}", "h/1")
    assert is_news(key)
    assert not is_news(key)
    assert SendCount.objects.get().messages == 0


def test_it_asks_once_for_a_whole_batch(alice: User, bob: User, domain: Domain) -> None:
    limit(alice, messages_per_hour=50, messages_per_day=50)
    limit(domain, messages_per_hour=99)
    wanted = [Sending(new_ulid(), user.pk, 1) for user in (alice, bob) * 20]
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        assert not count(wanted).refused
    assert len(queries) == 2


def test_it_ignores_who_was_removed(alice: User) -> None:
    tally = count([Sending(UUID(int=1), 999_999_999, 1)])
    assert not tally.refused


def test_it_tells_early_what_is_left(alice: User) -> None:
    limit(alice, recipients_per_message=50, recipients_per_hour=10, messages_per_hour=2)
    assert allowances([alice.pk]) == {alice.pk: Allowance(10, ANY)}
    send(alice, 7)
    left = allowances([alice.pk])[alice.pk]
    assert isinstance(left, Allowance)
    assert left.recipients == 3
    assert left.refusal is not None
    assert "10 recipients per hour" in left.refusal.reply.text
    send(alice, 1)
    assert isinstance(allowances([alice.pk])[alice.pk], SendLimitReached)


def test_it_tells_the_messages_own_limit_where_that_is_nearer(alice: User) -> None:
    limit(alice, recipients_per_message=5, recipients_per_hour=100)
    assert allowances([alice.pk]) == {alice.pk: Allowance(5, None)}


def test_it_forgets_old_counts(alice: User, clock: time_machine.Traveller) -> None:
    limit(alice, messages_per_hour=9, messages_per_day=9)
    send(alice, 1)
    clock.shift(86_400)
    send(alice, 1)
    assert SendCount.objects.count() == 4
    clock.shift(3 * 86_400 - 3_600)
    assert prune() == 2
    assert SendCount.objects.count() == 2


@pytest.mark.parametrize(
    "changes", [{"messages_per_hour": -1}, {"messages_per_hour": 10**9}, {"per_year": 1}]
)
def test_it_refuses_what_is_no_limit(alice: User, changes: dict[str, int]) -> None:
    with pytest.raises(InvalidName):
        set_limits(user=alice, changes=changes)
