"""Claims by destination: order, bounds, leases that lapsed, what waits for too long."""

from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailqueue import queries, services
from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient, RecipientState
from apps.mailqueue.services import outgoing
from apps.runtime.clock import now_us
from apps.trace import queries as trace
from tests.mailqueue.leaving import (
    FAR,
    NEAR,
    away,
    ids,
    keep,
    lapse,
    make_due,
    route,
    send,
    settle,
    states,
)
from tests.support.mail import RECEIVED, submission

pytestmark = pytest.mark.django_db
HOUR_US = 3_600_000_000


def test_it_claims_what_goes_to_one_destination(db: None) -> None:
    near, far = send(2, NEAR), send(2, FAR)
    assert ids(services.claim_destination(NEAR, 9)) == near
    assert services.claim_destination(NEAR, 9) == []
    assert ids(services.claim_destination(FAR, 1)) == far[:1]
    assert ids(services.claim_destination(FAR, 9)) == far[1:]


def test_it_claims_what_the_rows_say(alice: User) -> None:
    item = submission(
        away("a@elsewhere.test", "b@elsewhere.test"), cuts=((0, 10),), sender="alice@example.test"
    )
    keep([item])
    QueuedMessage.objects.update(
        user=alice,
        smtputf8=True,
        body="8BITMIME",
        dsn_ret="HDRS",
        dsn_envid="QQ314",
        requires_tls=True,
        hold_until=5,
    )
    QueuedRecipient.objects.update(orcpt="rfc822;x@y.test", notify="NEVER", is_delay_told=True)
    route(NEAR)
    (message,) = services.claim_destination(NEAR, 1)
    row = QueuedMessage.objects.get()
    assert (message.id, message.trace_id, message.blob_id) == (row.id, row.trace_id, row.blob_id)
    assert message.prefix == RECEIVED
    assert message.signatures == b"DKIM-Signature: v=1\r\n"
    assert message.cuts == ((0, 10),)
    assert (message.size, message.sender, message.door) == (row.size, row.sender, "mx")
    assert (message.smtputf8, message.requires_tls) == (True, True)
    assert (message.body, message.dsn_ret, message.dsn_envid) == ("8BITMIME", "HDRS", "QQ314")
    assert (message.user_id, message.received_at_us) == (alice.pk, row.received_at)
    assert (message.hold_until_us, message.since_us) == (5, row.received_at)
    assert message.destination == NEAR
    first, second = message.recipients
    assert (first.address, second.address) == ("a@elsewhere.test", "b@elsewhere.test")
    assert (first.original, first.orcpt, first.notify) == (
        "a@elsewhere.test",
        "rfc822;x@y.test",
        "NEVER",
    )
    assert (first.attempts, first.crashes, first.is_delay_told) == (0, 0, True)


def test_it_counts_the_age_from_when_the_sender_let_it_go(db: None) -> None:
    send()
    QueuedMessage.objects.update(hold_until=now_us() + HOUR_US)
    (message,) = services.claim_destination(NEAR, 1)
    assert message.since_us == message.hold_until_us > message.received_at_us


def test_it_takes_new_mail_before_old(db: None) -> None:
    old = send(3)
    for message in services.claim_destination(NEAR, 9):
        settle(message, "deferred", "451 later")
    make_due(*old)
    new = send(2)
    assert ids(services.claim_destination(NEAR, 9)) == new
    assert ids(services.claim_destination(NEAR, 9)) == old


def test_it_takes_old_mail_first_when_that_is_said(db: None) -> None:
    old = send(1)
    settle(services.claim_destination(NEAR, 9)[0], "deferred", "451 later")
    make_due(*old)
    new = send(1)
    assert ids(services.claim_destination(NEAR, 9, retries_first=True)) == old
    assert ids(services.claim_destination(NEAR, 9, retries_first=True)) == new


def test_it_claims_a_hundred_recipients_at_most(db: None) -> None:
    send(1, recipients=130)
    (first,) = services.claim_destination(NEAR, 9)
    (second,) = services.claim_destination(NEAR, 9)
    assert [len(first.recipients), len(second.recipients)] == [100, 30]
    assert not {one.id for one in first.recipients} & {one.id for one in second.recipients}


def test_it_keeps_the_recipients_of_a_message_together(db: None) -> None:
    send(3, recipients=4)
    assert [len(one.recipients) for one in services.claim_destination(NEAR, 2)] == [4, 4]


def test_it_claims_nothing_before_its_time(db: None) -> None:
    send()
    settle(services.claim_destination(NEAR, 1)[0], "deferred", "451 later", 300)
    assert services.claim_destination(NEAR, 1) == []
    (row,) = QueuedRecipient.objects.all()
    assert 299_000_000 < row.next_attempt_at - now_us() < 301_000_000


def test_it_asks_the_database_a_constant_number_of_times(db: None) -> None:
    counts = []
    for many in (1, 40):
        send(many)
        with CaptureQueriesContext(connection) as captured:
            assert len(services.claim_destination(NEAR, 99)) == many
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_it_claims_what_lost_its_worker_alone(db: None) -> None:
    send(2, recipients=3)
    lapse(*services.claim_destination(NEAR, 9))
    (message,) = services.claim_destination(NEAR, 9)
    (recipient,) = message.recipients
    assert recipient.crashes == 1


def test_it_holds_a_recipient_that_killed_its_worker_three_times(db: None) -> None:
    (poison,) = send()
    lapse(*services.claim_destination(NEAR, 1))
    for crashes in range(1, services.CRASHES_ALONE + 1):
        (message,) = services.claim_destination(NEAR, 1)
        assert message.recipients[0].crashes == crashes
        lapse(message)
    (healthy,) = send()
    assert ids(services.claim_destination(NEAR, 9)) == [healthy]
    assert services.claim_destination(NEAR, 9) == []
    assert states(poison) == [RecipientState.HELD]
    row = QueuedMessage.objects.get(id=poison)
    assert row.state == MessageState.HELD
    kinds = {event.kind: event.data for event in trace.events_of(row.trace_id)}
    assert "died" in kinds["queue.held"]["why"]
    assert services.retry([poison]) == [poison]
    assert ids(services.claim_destination(NEAR, 9)) == [poison]


def test_it_tries_one_suspect_at_a_time(db: None) -> None:
    """Those that were there twice when a worker died; the others go on beside it."""
    near, far = send(1, NEAR), send(1, FAR)
    for _ in range(2):
        claimed = [services.claim_destination(name, 1)[0] for name in (NEAR, FAR)]
        lapse(*claimed)
    (suspect,) = services.claim_destination(NEAR, 1)
    assert (suspect.id, suspect.recipients[0].crashes) == (near[0], 2)
    assert services.claim_destination(FAR, 1) == []
    fresh = send(1, FAR)
    assert ids(services.claim_destination(FAR, 9)) == fresh
    settle(suspect, "delivered")
    assert ids(services.claim_destination(FAR, 9)) == far


def test_it_holds_one_of_two_and_delivers_the_other(db: None) -> None:
    (message_id,) = send(1, recipients=2)
    lapse(*services.claim_destination(NEAR, 1))
    QueuedRecipient.objects.filter(pk=QueuedRecipient.objects.earliest("id").pk).update(
        crashes=services.CRASHES_ALONE
    )
    (other,) = services.claim_destination(NEAR, 1)
    assert states(message_id) == [RecipientState.HELD, RecipientState.WAITING]
    assert QueuedMessage.objects.get().state == MessageState.ROUTED
    settle(other, "delivered")
    assert QueuedMessage.objects.get().state == MessageState.HELD


def test_it_finds_what_waits_for_too_long(db: None) -> None:
    (late,), (expired,), (fresh,) = send(1, NEAR), send(1, FAR), send(1, NEAR)
    now = now_us()
    late = _age(late, now - 5 * HOUR_US)
    expired = _age(expired, now - 130 * HOUR_US)
    found = {one.id: one.destination for one in _overdue(now)}
    assert found == {expired: FAR, late: NEAR}
    assert fresh not in found
    assert _overdue(now) == []


def test_it_finds_mail_whose_sender_knows_only_when_it_expires(db: None) -> None:
    (message_id,) = send()
    now = now_us()
    message_id = _age(message_id, now - 5 * HOUR_US)
    (message,) = _overdue(now)
    services.give_back(message.token, [message.recipients[0].id], delay_told=True)
    assert _overdue(now) == []
    _age(message_id, now - 130 * HOUR_US)
    (again,) = _overdue(now)
    assert again.recipients[0].is_delay_told


def test_it_leaves_the_time_of_the_next_attempt_as_it_was(db: None) -> None:
    (message_id,) = send()
    settle(services.claim_destination(NEAR, 1)[0], "deferred", "451 later", 7200)
    due = QueuedRecipient.objects.get().next_attempt_at
    now = now_us()
    _age(message_id, now - 5 * HOUR_US)
    (message,) = _overdue(now)
    services.give_back(message.token, [message.recipients[0].id], delay_told=True)
    row = QueuedRecipient.objects.get()
    assert (row.next_attempt_at, row.lease_token, row.is_delay_told) == (due, None, True)


def test_it_does_not_count_the_time_that_mail_was_held_back(db: None) -> None:
    (message_id,) = send()
    now = now_us()
    _age(message_id, now - 200 * HOUR_US)
    QueuedMessage.objects.update(hold_until=now - HOUR_US)
    assert _overdue(now) == []


def test_it_leaves_alone_what_is_under_way(db: None) -> None:
    (message_id,) = send()
    now = now_us()
    _age(message_id, now - 5 * HOUR_US)
    assert services.claim_destination(NEAR, 1)
    assert _overdue(now) == []


def test_it_claims_for_an_administrator_what_nobody_works_on(db: None) -> None:
    held, leased = send(2)
    (message,) = services.claim_destination(NEAR, 1)
    assert message.id == held
    settle(message, "deferred", "451 later", 900)
    services.hold([held], "to be looked at")
    assert ids(services.claim_destination(NEAR, 1)) == [leased]
    assert ids(services.claim_messages([held, leased])) == [held]


def test_it_tells_the_sweep_when_something_is_due(db: None) -> None:
    assert queries.next_due_us() is None
    assert not queries.has_due_outgoing()
    send()
    assert queries.has_due_outgoing()
    assert queries.next_due_us() == 0
    (message,) = services.claim_destination(NEAR, 1)
    assert not queries.has_due_outgoing()  # it is under way
    settle(message, "deferred", "451 later", 60)
    assert not queries.has_due_outgoing()
    due = queries.next_due_us()
    assert due is not None
    assert 59_000_000 < due - now_us() < 61_000_000
    with time_machine.travel(timedelta(seconds=61), tick=True):
        assert queries.has_due_outgoing()


def test_it_ignores_a_poison_row_count_that_no_column_holds(db: None) -> None:
    send()
    QueuedRecipient.objects.update(claims=30_000)
    assert services.claim_destination(NEAR, 1)
    assert QueuedRecipient.objects.get().claims == 30_000


def _age(message_id: UUID, at_us: int) -> UUID:
    """Let a message have come at another time; its new id, for ids sort by time."""
    new = UUID(outgoing._first_id(at_us)[:12] + message_id.hex[12:])
    QueuedMessage.objects.filter(id=message_id).update(received_at=at_us, id=new)
    QueuedRecipient.objects.filter(message=message_id).update(message_id=new)
    return new


def _overdue(now: int) -> list[services.Outgoing]:
    return services.claim_overdue(
        9, untold_before_us=now - 4 * HOUR_US, expired_before_us=now - 120 * HOUR_US
    )
