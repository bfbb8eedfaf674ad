"""Pausing: nobody claims what waits there, and nothing about it changes."""

import pytest

from apps.mailqueue import queries, services
from apps.mailqueue.models import Destination, QueuedRecipient
from apps.mailqueue.services import EVERYWHERE
from tests.mailqueue.leaving import FAR, NEAR, ids, send, settle

pytestmark = pytest.mark.django_db
BY = "root@elsewhere.test"


def names() -> list[str]:
    return [one.name for one in services.due_destinations(9)]


def test_nothing_goes_where_it_is_paused(db: None) -> None:
    near, far = send(1, NEAR), send(1, FAR)
    assert services.pause(NEAR, BY)
    assert not services.pause(NEAR, "somebody else")
    assert names() == [FAR]
    assert services.claim_destination(NEAR, 9) == []
    assert services.resume(NEAR)
    assert not services.resume(NEAR)
    assert sorted(names()) == [FAR, NEAR]
    assert ids(services.claim_destination(NEAR, 9)) == near
    assert ids(services.claim_destination(FAR, 9)) == far


def test_nothing_goes_anywhere_where_all_is_paused(db: None) -> None:
    waiting = send(1, NEAR)
    settle(services.claim_destination(NEAR, 1)[0], "deferred", "451 later", 0)
    send(1, FAR)
    services.pause(EVERYWHERE, BY)
    assert names() == []
    assert services.claim_destination(NEAR, 9, retries_first=True) == []
    assert services.claim_destination(FAR, 9) == []
    found = queries.paused_everywhere()
    assert found is not None
    assert found.paused_by == BY
    services.resume(EVERYWHERE)
    assert queries.paused_everywhere() is None
    assert ids(services.claim_destination(NEAR, 9)) == waiting


def test_what_is_under_way_ends_as_it_does(db: None) -> None:
    send(1, NEAR)
    (leased,) = services.claim_destination(NEAR, 1)
    services.pause(NEAR, BY)
    settle(leased, "delivered")
    assert QueuedRecipient.objects.get().state == "delivered"


def test_what_is_paused_stands_first_also_where_nothing_waits(db: None) -> None:
    """Or nobody could let it go on again."""
    send(2, NEAR)
    services.pause(FAR, BY)
    services.pause(EVERYWHERE, BY)
    far, near = queries.destinations()
    assert (far.name, far.waiting, far.held, far.oldest_us, far.paused_by) == (FAR, 0, 0, 0, BY)
    assert (near.name, near.waiting) == (NEAR, 2)
    assert [one.name for one in queries.destinations(1)] == [FAR]
    services.resume(FAR)
    assert [one.name for one in queries.destinations()] == [NEAR]


def test_it_stays_paused_whatever_is_learned_of_it(db: None) -> None:
    send(1, NEAR)
    services.pause(NEAR, BY)
    services.close_destination(NEAR, 60, "nobody answers")
    services.open_destinations([NEAR])
    Destination.objects.update(last_ok_at=0, last_failed_at=0)
    assert services.prune_destinations() == 0
    assert names() == []
    (row,) = queries.destinations()
    assert (row.paused_by, row.waiting, row.due) == (BY, 1, 1)
    assert row.paused_at_us > 0


def test_it_hastens_what_waits_in_portions(db: None) -> None:
    send(3, NEAR)
    for message in services.claim_destination(NEAR, 9):
        settle(message, "deferred", "451 later", 7200)
    send(1, FAR)
    services.close_destination(NEAR, 3600, "nobody answers")
    services.close_destination(FAR, 3600, "nobody answers")
    assert services.hasten_destinations([NEAR], 2) == 2
    assert services.hasten_destinations([NEAR], 2) == 1
    assert services.hasten_destinations([NEAR], 2) == 0
    assert len(services.claim_destination(NEAR, 9)) == 3
    assert names() == []
    assert services.hasten_destinations(None, 9) == 1
    assert names() == [FAR]


def test_what_is_under_way_is_not_hastened(db: None) -> None:
    send(1, NEAR)
    services.claim_destination(NEAR, 1)
    assert services.hasten_destinations(None, 9) == 0
    assert services.claim_destination(NEAR, 9) == []


def test_it_tells_of_each_destination(db: None) -> None:
    send(2, NEAR)
    settle(services.claim_destination(NEAR, 1)[0], "deferred", "421 4.7.28 slow down", 600)
    services.claim_destination(NEAR, 1)
    (held,) = send(1, FAR)
    services.hold([held], "odd")
    near, far = queries.destinations()
    assert (near.name, near.waiting, near.under_way, near.held) == (NEAR, 2, 1, 0)
    assert near.last_reply == "421 4.7.28 slow down"
    assert near.oldest_us > 0
    assert (far.name, far.waiting, far.held) == (FAR, 0, 1)
