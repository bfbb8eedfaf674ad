"""Mail that is offered: who decides about it, and that only one does; the lanes."""

import uuid

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue import queries, services
from apps.mailqueue.models import Lane, MessageState, QueuedMessage, QueuedRecipient, RecipientState
from apps.mailqueue.services import LeaseLostError, intake
from apps.mailqueue.services.settling import PUT_OFF_US
from apps.mailstore.models import Usage
from apps.provisioning import services as provisioning
from apps.runtime.clock import now_us
from tests.mailqueue.offering import offered

pytestmark = pytest.mark.django_db

MINUTE_US = 60_000_000


def row(item: services.Submission) -> QueuedMessage:
    return QueuedMessage.objects.get(id=item.id)


def test_it_claims_what_is_offered_like_what_is_accepted(alice: User) -> None:
    items = [offered(alice), offered(alice, seconds=0), offered(alice)]
    accept(items)
    assert [row(item).state for item in items] == ["offered", "accepted", "offered"]
    claimed = services.claim()
    assert [one.id for one in claimed] == [item.id for item in items]
    assert [one.state for one in claimed] == ["offered", "accepted", "offered"]


def test_it_keeps_how_long_its_door_waits_by_the_clock_of_the_database(alice: User) -> None:
    item = offered(alice, seconds=60)
    before = now_us()
    accept([item])
    assert before - MINUTE_US / 60 < row(item).offered_until - MINUTE_US < now_us() + MINUTE_US / 60


def test_a_door_takes_what_is_still_offered(alice: User) -> None:
    item = offered(alice)
    accept([item])
    assert [one.is_open for one in services.outcomes_of([item.id])] == [True]
    (outcome,) = services.accept_offered([item.id])
    assert (outcome.state, outcome.refusal) == ("accepted", "")
    (claimed,) = services.claim()
    assert services.lock(claimed.token, [item.id]) == {item.id: False}


def test_nobody_refuses_what_a_door_has_taken_meanwhile(alice: User) -> None:
    item = offered(alice)
    accept([item])
    (claimed,) = services.claim()
    services.accept_offered([item.id])
    assert services.lock(claimed.token, [item.id]) == {item.id: False}
    with transaction.atomic():
        services.settle(claimed.token, [item.id], "done")
    assert row(item).state == MessageState.DONE


def test_a_door_hears_that_it_is_refused(alice: User) -> None:
    provisioning.change_user(alice.address, quota=1 << 20)
    item = offered(alice)
    accept([item])
    assert Usage.objects.get(user=alice).reserved == item.size
    (claimed,) = services.claim()
    with transaction.atomic():
        assert services.lock(claimed.token, [item.id]) == {item.id: True}
        assert services.refuse([(item.id, "because")]) == [(alice.pk, item.size)]
    for outcome in (*services.outcomes_of([item.id]), *services.accept_offered([item.id])):
        assert (outcome.state, outcome.refusal) == ("refused", "because")
    assert row(item).settled_at is not None
    (recipient,) = QueuedRecipient.objects.filter(message=item.id)
    assert recipient.state == RecipientState.REFUSED
    assert services.claim() == []


def test_it_is_ours_if_its_door_has_died(alice: User) -> None:
    item = offered(alice)
    accept([item])
    QueuedMessage.objects.update(offered_until=1)
    (claimed,) = services.claim()
    assert services.lock(claimed.token, [item.id]) == {item.id: False}


def test_a_door_whose_client_has_gone_withdraws(alice: User) -> None:
    item = offered(alice)
    accept([item])
    (claimed,) = services.claim()
    with transaction.atomic():
        withdrawn, _ = services.withdraw([item.id])
        assert withdrawn == [item.id]
    assert services.lock(claimed.token, [item.id]) == {}
    with pytest.raises(LeaseLostError), transaction.atomic():
        services.settle(claimed.token, [item.id], "done")
    assert row(item).state == MessageState.REFUSED


def test_it_withdraws_nothing_that_is_decided(alice: User) -> None:
    items = [offered(alice), offered(alice, seconds=0)]
    accept(items)
    services.accept_offered([items[0].id])
    with transaction.atomic():
        assert services.withdraw([one.id for one in items]) == ([], [])
    assert len(services.claim()) == 2


def test_it_says_nothing_of_what_it_does_not_know() -> None:
    (outcome,) = services.outcomes_of([uuid.uuid4()])
    assert (outcome.state, outcome.is_open, outcome.refusal) == ("", False, "")


def test_an_administrator_may_hold_and_delete_what_is_offered(alice: User) -> None:
    held, deleted = offered(alice), offered(alice)
    accept([held, deleted])
    assert services.hold([held.id], "why not") == [held.id]
    with transaction.atomic():
        assert services.delete([deleted.id])[0] == [deleted.id]
    states = [one.state for one in services.accept_offered([held.id, deleted.id])]
    assert states == ["held", "done"]


def test_it_claims_each_lane_by_itself(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = offered(alice)
    accept([usual])
    monkeypatch.setattr(intake, "HEAVY_BYTES", usual.size)
    large = [offered(alice) for _ in range(2)]
    accept(large)
    assert queries.has_due(Lane.HEAVY)
    assert [one.id for one in services.claim()] == [usual.id]
    assert not queries.has_due()
    assert [one.id for one in services.claim(lane=Lane.HEAVY)] == [large[0].id]
    assert [one.id for one in services.claim(9, lane=Lane.HEAVY)] == [large[1].id]


def test_nobody_looks_long_into_what_is_cleared(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "HEAVY_BYTES", 1)
    item = offered(alice, seconds=0, is_cleared=True)
    assert item.lane is Lane.FAST
    accept([item])
    assert [one.is_cleared for one in services.claim()] == [True]


def test_it_hands_over_what_turns_out_to_be_heavy(alice: User) -> None:
    items = [offered(alice) for _ in range(3)]
    accept(items)
    claimed = services.claim()
    services.make_heavy(claimed[0].token, [items[1].id])
    (heavy,) = services.claim(lane=Lane.HEAVY)
    assert (heavy.id, heavy.crashes, heavy.lane) == (items[1].id, 0, Lane.HEAVY)
    assert services.lock(claimed[0].token, [one.id for one in items]).keys() == {
        items[0].id,
        items[2].id,
    }


def test_it_locks_what_it_hands_over_in_the_order_of_the_ids(alice: User) -> None:
    """A door that takes or withdraws some of them does the same: neither waits for the other in a
    circle."""
    items = [offered(alice) for _ in range(3)]
    accept(items)
    (token,) = {one.token for one in services.claim()}
    with CaptureQueriesContext(connection) as seen:
        services.make_heavy(token, [one.id for one in reversed(items)])
    locks, change = (one["sql"] for one in seen if "mailqueue_queuedmessage" in one["sql"])
    assert locks.startswith("SELECT")
    assert " ORDER BY " in locks
    assert locks.endswith("FOR UPDATE") is (connection.vendor == "postgresql")
    assert change.startswith("UPDATE")
    assert services.claim() == []


def test_what_is_put_off_comes_back_with_the_others(alice: User) -> None:
    items = [offered(alice) for _ in range(3)]
    accept(items)
    for one in services.claim():
        services.put_off(one, "clamd does not answer")
    assert services.claim() == []
    assert {row(item).last_error for item in items} == {"clamd does not answer"}
    assert {row(item).state for item in items} == {MessageState.ACCEPTED}
    due = {row(item).hold_until for item in items}
    assert all(PUT_OFF_US[0] - MINUTE_US < at - now_us() <= PUT_OFF_US[0] for at in due)
    QueuedMessage.objects.update(hold_until=1)
    again = services.claim()
    assert [one.crashes for one in again] == [0, 0, 0]


def test_it_is_put_off_for_longer_the_older_it_is(alice: User) -> None:
    item = offered(alice, seconds=0)
    accept([item])
    QueuedMessage.objects.update(received_at=now_us() - 10_000 * MINUTE_US)
    (claimed,) = services.claim()
    services.put_off(claimed, "clamd does not answer")
    assert 0 <= now_us() + PUT_OFF_US[1] - row(item).hold_until < MINUTE_US


def test_what_is_held_may_be_cleared(alice: User) -> None:
    item, other = offered(alice, seconds=0), offered(alice, seconds=0)
    accept([item, other])
    for one in services.claim():
        services.hold_unseen(one, "it looks like spam")
    assert services.claim() == []
    assert (row(item).state, row(item).last_error) == (MessageState.HELD, "it looks like spam")
    assert services.clear([item.id]) == [item.id]
    assert services.retry([other.id]) == [other.id]
    cleared = {one.id: one.is_cleared for one in services.claim()}
    assert cleared == {item.id: True, other.id: False}
    assert services.clear([item.id]) == []
