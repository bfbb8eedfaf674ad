"""The queue: leases, fencing, poison messages, pruning."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue import queries, services
from apps.mailqueue.models import (
    Attempt,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from apps.mailqueue.services import EnvelopeRecipient, LeaseLostError
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db


def lapse(*ids: uuid.UUID) -> None:
    """Let the lease of these messages end, as if their worker had died a minute ago."""
    QueuedMessage.objects.filter(id__in=ids).update(lease_until=1)


def test_it_claims_in_the_order_mail_came(alice: User) -> None:
    items = [submission(local(alice)) for _ in range(5)]
    accept(items)
    assert [message.id for message in services.claim(3)] == [item.id for item in items[:3]]
    assert [message.id for message in services.claim(9)] == [item.id for item in items[3:]]
    assert services.claim(9) == []


def test_it_claims_what_the_rows_say(alice: User) -> None:
    item = submission(local(alice), cuts=((0, 10), (20, 30)))
    accept([item])
    (message,) = services.claim(1)
    row = QueuedMessage.objects.get(id=item.id)
    assert message.blob_id == row.blob_id == item.blob.id
    assert message.trace_id == row.trace_id
    assert message.prefix == bytes(row.prefix) == item.prefix
    assert message.cuts == ((0, 10), (20, 30))
    assert (message.sender, message.door, message.received_at_us) == (
        row.sender,
        row.door,
        row.received_at,
    )
    assert row.size == item.size == len(item.prefix) + item.blob.size - 20
    assert row.lease_token == message.token
    (recipient,) = message.recipients
    stored = QueuedRecipient.objects.get(message=item.id)
    assert (recipient.id, recipient.user_id, recipient.reserved) == (
        stored.pk,
        alice.pk,
        item.size,
    )


def test_it_asks_the_database_a_constant_number_of_times(alice: User) -> None:
    counts = []
    for many in (1, 30):
        accept([submission(local(alice)) for _ in range(many)])
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert len(services.claim(64)) == many
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_it_does_not_claim_before_the_hold_is_over(alice: User) -> None:
    from apps.runtime.clock import now_us

    item = submission(local(alice), hold_until_us=now_us() + 3_600_000_000)
    accept([item])
    assert services.claim(9) == []


def test_it_queues_a_repeated_receive_id_once(alice: User) -> None:
    item = submission(local(alice))
    accept([item])
    again = accept([item])
    assert [getattr(result, "id", None) for result in again] == [item.id]
    assert QueuedRecipient.objects.filter(message=item.id).count() == 1


def test_it_refuses_to_settle_with_a_lost_lease(alice: User) -> None:
    item = submission(local(alice))
    accept([item])
    (paused,) = services.claim(1)
    lapse(item.id)
    (taken_over,) = services.claim(1)
    assert taken_over.token != paused.token
    with pytest.raises(LeaseLostError), transaction.atomic():
        services.settle(paused.token, [item.id], "done")
    services.settle(taken_over.token, [item.id], "done")
    assert QueuedMessage.objects.get(id=item.id).state == MessageState.DONE


def test_it_claims_lapsed_messages_one_at_a_time(alice: User) -> None:
    items = [submission(local(alice)) for _ in range(4)]
    accept(items)
    services.claim(4)
    lapse(*(item.id for item in items))
    assert len(services.claim(4)) == 1


def test_it_holds_a_message_that_killed_its_worker_three_times(alice: User) -> None:
    item = submission(local(alice))
    accept([item])
    assert services.claim(1)
    for _ in range(services.CRASHES_ALONE):
        lapse(item.id)
        assert [message.id for message in services.claim(1)] == [item.id]
    lapse(item.id)
    assert services.claim(1) == []
    row = QueuedMessage.objects.get(id=item.id)
    assert row.state == MessageState.HELD
    assert "died" in row.last_error


def test_it_holds_a_message_that_failed_three_times(alice: User) -> None:
    item = submission(local(alice))
    accept([item])
    for _ in range(services.CRASHES_ALONE):
        (message,) = services.claim(1)
        services.release(message, "ValueError('odd')", counts=True)
        QueuedMessage.objects.filter(state=MessageState.ACCEPTED).update(lease_until=1)
    assert QueuedMessage.objects.get(id=item.id).state == MessageState.HELD


def test_it_never_holds_a_message_for_what_the_database_did(alice: User) -> None:
    item = submission(local(alice))
    accept([item])
    for _ in range(10):
        (message,) = services.claim(1)
        services.release(message, "StorageUnavailable", counts=False)
        lapse(item.id)
    assert QueuedMessage.objects.get(id=item.id).state == MessageState.ACCEPTED


def test_it_waits_before_it_tries_again(alice: User) -> None:
    accept([submission(local(alice))])
    (message,) = services.claim(1)
    services.release(message, "odd", counts=True)
    assert services.claim(1) == []


def test_it_keeps_any_words_about_what_went_wrong(alice: User) -> None:
    item = submission(local(alice))
    accept([item])
    (message,) = services.claim(1)
    services.release(message, "odd \0 \udcff bytes", counts=True)
    assert QueuedMessage.objects.get(id=item.id).last_error == "odd ? ? bytes"


def test_it_retries_what_was_held(alice: User) -> None:
    item = submission(local(alice))
    accept([item])
    assert services.hold([item.id], "to be looked at") == [item.id]
    assert services.claim(1) == []
    assert services.retry([item.id]) == [item.id]
    assert len(services.claim(1)) == 1


def test_it_gives_the_reserved_space_back_when_mail_is_deleted(alice: User, bob: User) -> None:
    item = submission(local(alice, bob))
    accept([item])
    done, reserved = services.delete([item.id])
    assert done == [item.id]
    assert sorted(reserved) == sorted([(alice.pk, item.size), (bob.pk, item.size)])
    assert services.delete([item.id]) == ([], [])
    states = QueuedRecipient.objects.filter(message=item.id).values_list("state", flat=True)
    assert set(states) == {RecipientState.DELETED}


def test_it_prunes_what_was_settled_an_hour_ago(alice: User) -> None:
    old, waiting = submission(local(alice)), submission(local(alice))
    accept([old, waiting])
    first, second = services.claim(2)
    services.settle(first.token, [first.id], "done")
    Attempt.objects.create(
        recipient=QueuedRecipient.objects.get(message=first.id), at=1, remote="mx", reply="250"
    )
    assert services.prune() == 0
    with time_machine.travel(timedelta(hours=1, seconds=5), tick=True):
        assert services.prune() == 1
    assert list(QueuedMessage.objects.values_list("id", flat=True)) == [second.id]
    assert not QueuedRecipient.objects.filter(message=first.id).exists()
    assert not Attempt.objects.exists()


def test_it_lists_with_two_queries(alice: User) -> None:
    outside = EnvelopeRecipient("x@outside.invalid", "x@outside.invalid", None)
    accept([submission([*local(alice), outside]) for _ in range(7)])
    with CaptureQueriesContext(connection) as captured:
        rows = queries.page()
    assert len(captured) == 2
    assert [len(row.recipients) for row in rows] == [2] * 7
    assert rows == sorted(rows, key=lambda row: row.id)
