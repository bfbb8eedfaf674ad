"""Destinations: who has something due, in what order; closed ones cost nobody anything."""

from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.mailqueue import services
from apps.mailqueue.models import Destination, QueuedRecipient
from apps.mailqueue.services import Due, destinations
from apps.runtime.clock import now_us
from tests.mailqueue.leaving import DEAD, FAR, NEAR, ids, make_due, send, settle

pytestmark = pytest.mark.django_db


def names(found: list[Due]) -> list[str]:
    return [one.name for one in found]


def deferred(destination: str, count: int = 1) -> None:
    """Mail that was tried once and is due again."""
    message_ids = send(count, destination)
    for message in services.claim_destination(destination, count):
        settle(message, "deferred", "451 later")
    make_due(*message_ids)


def test_it_knows_who_has_something_due(db: None) -> None:
    assert services.due_destinations(9) == []
    send(3, NEAR)
    deferred(FAR, 2)
    assert services.due_destinations(9) == [Due(NEAR, True, 0), Due(FAR, False, 0)]
    services.claim_destination(NEAR, 9)
    assert services.due_destinations(9) == [Due(FAR, False, 0)]
    services.claim_destination(FAR, 9)
    assert services.due_destinations(9) == []


def test_it_names_a_destination_once(db: None) -> None:
    deferred(NEAR)
    send(1, NEAR)
    assert services.due_destinations(9) == [Due(NEAR, True, 0)]


def test_it_leaves_out_who_the_caller_is_busy_with(db: None) -> None:
    send(1, NEAR)
    send(1, FAR)
    deferred(DEAD)
    assert names(services.due_destinations(9, exclude=[NEAR, DEAD])) == [FAR]
    assert names(services.due_destinations(9, exclude={NEAR, FAR, DEAD})) == []


def test_it_gives_each_with_new_mail_its_turn(db: None) -> None:
    for letter in "abcdef":
        send(1, f"mx/{letter}.test")
    turns: list[str] = []
    after = ""
    for _ in range(6):
        found = names(services.due_destinations(2, after=after))
        assert len(found) == 2
        turns += found
        after = found[-1]
    assert turns == [f"mx/{letter}.test" for letter in "abcdefabcdef"]


def test_it_wraps_around_without_naming_any_twice(db: None) -> None:
    for letter in "abc":
        send(1, f"mx/{letter}.test")
    found = names(services.due_destinations(9, after="mx/b.test"))
    assert found == ["mx/c.test", "mx/a.test", "mx/b.test"]


def test_it_mixes_old_with_new(db: None) -> None:
    for letter in "abc":
        deferred(f"mx/old-{letter}.test")
        send(1, f"mx/new-{letter}.test")
    found = services.due_destinations(4)
    assert [one.is_new for one in found] == [True, False, True, False]


def test_it_takes_the_longest_due_of_the_old_first(db: None) -> None:
    for due, letter in enumerate("cab", start=1):
        deferred(f"mx/{letter}.test")
        QueuedRecipient.objects.filter(destination=f"mx/{letter}.test").update(next_attempt_at=due)
    assert names(services.due_destinations(2)) == ["mx/c.test", "mx/a.test"]


def test_it_sees_behind_a_backlog(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destinations, "LOOK", 10)
    deferred(NEAR, 30)
    deferred(FAR, 1)
    QueuedRecipient.objects.filter(destination=FAR).update(next_attempt_at=2)
    assert names(services.due_destinations(9)) == [NEAR]
    assert names(services.due_destinations(9, exclude=[NEAR])) == [FAR]


def test_it_closes_a_destination_with_all_that_is_due_there(db: None) -> None:
    send(3, DEAD)
    send(1, NEAR)
    (tried,) = services.claim_destination(DEAD, 1)
    assert services.close_destination(DEAD, 300, "nobody answers") == 2
    assert names(services.due_destinations(9)) == [NEAR]
    settle(tried, "deferred", "nobody answers", 300)
    rows = QueuedRecipient.objects.filter(destination=DEAD)
    for row in rows:
        assert 299_000_000 < row.next_attempt_at - now_us() < 301_000_000
        assert row.last_reply == "nobody answers"
    assert sorted(row.attempts for row in rows) == [0, 0, 1]


def test_it_sends_later_mail_to_the_end_of_the_pause(db: None) -> None:
    services.close_destination(DEAD, 300, "nobody answers")
    send(1, DEAD)
    row = QueuedRecipient.objects.get()
    assert row.next_attempt_at == Destination.objects.get().closed_until
    assert row.last_reply == "nobody answers"


def test_it_leaves_out_what_slipped_in_before_the_door_closed(db: None) -> None:
    services.close_destination(DEAD, 300, "nobody answers")
    send(1, DEAD)
    QueuedRecipient.objects.update(next_attempt_at=0)
    assert services.due_destinations(9) == []
    QueuedRecipient.objects.update(next_attempt_at=1)
    assert services.due_destinations(9) == []


def test_it_leaves_those_who_wait_for_longer(db: None) -> None:
    send(1, DEAD)
    settle(services.claim_destination(DEAD, 1)[0], "deferred", "451 later", 7200)
    assert services.close_destination(DEAD, 300, "nobody answers") == 0
    assert QueuedRecipient.objects.get().last_reply == "451 later"


def test_it_counts_failures_until_somebody_answers(db: None) -> None:
    send(1, DEAD)
    for failures in (1, 2, 3):
        services.close_destination(DEAD, 60, "nobody answers")
        assert Destination.objects.get().failures == failures
    Destination.objects.update(closed_until=1)
    make_due(*QueuedRecipient.objects.values_list("message", flat=True))
    assert services.due_destinations(9) == [Due(DEAD, False, 3)]
    services.open_destinations([DEAD])
    row = Destination.objects.get()
    assert (row.failures, row.closed_until) == (0, 0)
    assert abs(row.last_ok_at - now_us()) < 60_000_000


def test_it_opens_for_those_who_waited_for_that_and_no_others(db: None) -> None:
    (patient,) = send(1, DEAD)
    settle(services.claim_destination(DEAD, 1)[0], "deferred", "451 later", 7200)
    waiting = send(2, DEAD)
    services.close_destination(DEAD, 300, "nobody answers")
    services.open_destinations([DEAD, "mx/never-heard-of.test"])
    assert ids(services.claim_destination(DEAD, 9)) == waiting
    assert QueuedRecipient.objects.get(message=patient).last_reply == "451 later"
    assert Destination.objects.count() == 1


def test_it_forgets_who_was_quiet_for_a_week(db: None) -> None:
    services.close_destination(DEAD, 60, "nobody answers")
    services.close_destination(NEAR, 60, "nobody answers")
    services.open_destinations([NEAR])
    long_ago = now_us() - 8 * 86_400_000_000
    assert services.prune_destinations() == 0
    Destination.objects.filter(name=DEAD).update(last_failed_at=long_ago, closed_until=long_ago)
    Destination.objects.filter(name=NEAR).update(last_failed_at=long_ago)
    assert services.prune_destinations() == 1
    assert Destination.objects.get().name == NEAR


def test_it_asks_the_database_twice_or_thrice_however_many_there_are(db: None) -> None:
    counts = []
    for many in (1, 40):
        for number in range(many):
            send(1, f"mx/{many}-{number}.test")
        with CaptureQueriesContext(connection) as captured:
            assert len(services.due_destinations(99)) >= many
        counts.append(len(captured))
    assert counts == [2, 2]
    assert all(a < b for a, b in pairwise(names(services.due_destinations(99))))
