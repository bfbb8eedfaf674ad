"""Settling: what the rows say afterwards, when a message is done, and whose word counts."""

from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailqueue import services, tasks
from apps.mailqueue.models import (
    Attempt,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from apps.mailqueue.services import Departure, RecipientsLostError, Settled
from apps.runtime.clock import now_us
from tests.mailqueue.leaving import (
    FAR,
    NEAR,
    away,
    keep,
    lapse,
    make_due,
    results,
    send,
    settle,
    states,
)
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db


def state(message: UUID) -> str:
    return QueuedMessage.objects.get(id=message).state


def test_it_ends_a_message_with_its_last_recipient(db: None) -> None:
    (message_id,) = send(1, recipients=2)
    (message,) = services.claim_destination(NEAR, 1)
    first, second = results(message, "delivered")
    assert services.settle_outgoing([first]) == []
    assert state(message_id) == MessageState.ROUTED
    assert services.settle_outgoing([second]) == [message_id]
    row = QueuedMessage.objects.get()
    assert (row.state, abs((row.settled_at or 0) - now_us()) < 60_000_000) == ("done", True)
    recipient = QueuedRecipient.objects.earliest("id")
    assert (recipient.state, recipient.last_reply, recipient.attempts) == (
        RecipientState.DELIVERED,
        "250 2.0.0 OK",
        1,
    )
    assert (recipient.lease_token, recipient.lease_until) == (None, 0)


def test_it_is_done_too_when_all_failed(db: None) -> None:
    (message_id,) = send()
    assert settle(services.claim_destination(NEAR, 1)[0], "failed", "550 no") == [message_id]
    assert states(message_id) == [RecipientState.FAILED]


def test_it_keeps_each_attempt_with_what_was_said(db: None) -> None:
    (message_id,) = send()
    settle(services.claim_destination(NEAR, 1)[0], "deferred", "451 4.7.1 later", 60)
    make_due(message_id)
    settle(services.claim_destination(NEAR, 1)[0], "delivered")
    first, second = Attempt.objects.order_by("id")
    assert (first.outcome, first.reply) == ("deferred", "451 4.7.1 later")
    assert (second.outcome, second.reply) == ("delivered", "250 2.0.0 OK")
    assert second.remote == "mx.near.test [192.0.2.25]:25"
    assert (second.tls, second.transcript) == ("TLSv1.3", "MAIL\n250 OK")
    assert abs(first.at - now_us()) < 60_000_000
    assert QueuedRecipient.objects.get().attempts == 2


def test_it_keeps_what_no_column_holds_short(db: None) -> None:
    send()
    (message,) = services.claim_destination(NEAR, 1)
    services.settle_outgoing(
        [
            Settled(
                *(message.token, message.id, message.recipients[0].id),
                *("deferred", "4\0\udcff" * 9_999),
                **dict.fromkeys(("remote", "tls", "transcript"), "x\0" * 9_999),  # type: ignore[arg-type]
            )
        ]
    )
    attempt = Attempt.objects.get()
    assert (len(attempt.reply), len(attempt.remote), len(attempt.tls)) == (500, 300, 120)
    assert attempt.transcript == "x?" * 4_000
    assert QueuedRecipient.objects.get().last_reply.startswith("4??4??")


def test_it_counts_no_attempt_where_none_was_made(db: None) -> None:
    send()
    (message,) = services.claim_destination(NEAR, 1)
    services.settle_outgoing(
        [
            Settled(
                *(message.token, message.id, message.recipients[0].id),
                *("deferred", "too many connections"),
                was_tried=False,
            )
        ]
    )
    assert QueuedRecipient.objects.get().attempts == 0
    assert not Attempt.objects.exists()


def test_it_remembers_that_the_sender_was_told(db: None) -> None:
    send()
    (message,) = services.claim_destination(NEAR, 1)
    (one,) = message.recipients
    services.settle_outgoing(
        [Settled(message.token, message.id, one.id, "deferred", "451 later", delay_told=True)]
    )
    make_due(message.id)
    (message,) = services.claim_destination(NEAR, 1)
    assert message.recipients[0].is_delay_told
    settle(message, "deferred", "451 later")
    assert QueuedRecipient.objects.get().is_delay_told


def test_it_refuses_to_settle_what_another_took_over(db: None) -> None:
    send(2)
    paused, other = services.claim_destination(NEAR, 2)
    lapse(paused)
    taken_over = [services.claim_destination(NEAR, 1)[0] for _ in range(2)]
    with pytest.raises(RecipientsLostError) as lost, transaction.atomic():
        services.settle_outgoing([*results(paused, "delivered"), *results(other, "delivered")])
    assert sorted(lost.value.ids) == sorted(
        one.id for message in (paused, other) for one in message.recipients
    )
    assert not Attempt.objects.exists()
    for message in taken_over:
        settle(message, "delivered")
    assert set(QueuedMessage.objects.values_list("state", flat=True)) == {MessageState.DONE}


def test_it_settles_a_lease_that_lapsed_if_nobody_took_it(db: None) -> None:
    (message_id,) = send()
    (message,) = services.claim_destination(NEAR, 1)
    lapse(message)
    assert settle(message, "delivered") == [message_id]


def test_it_refuses_to_settle_twice(db: None) -> None:
    send()
    (message,) = services.claim_destination(NEAR, 1)
    settle(message, "deferred", "451 later")
    with pytest.raises(RecipientsLostError), transaction.atomic():
        services.settle_outgoing(results(message, "delivered"))
    assert states(message.id) == [RecipientState.WAITING]


def test_it_settles_many_messages_with_as_many_statements_as_one(db: None) -> None:
    counts = []
    for many in (1, 30):
        send(many)
        claimed = services.claim_destination(NEAR, 99)
        with CaptureQueriesContext(connection) as captured:
            done = services.settle_outgoing(
                [row for message in claimed for row in results(message, "delivered")]
            )
        assert len(done) == many
        # executemany of SQLite shows as one statement for each row.
        counts.append(sum("mailqueue_attempt" not in one["sql"] for one in captured))
    assert counts[0] == counts[1]


def test_it_gives_what_waits_its_destination_and_signatures(alice: User) -> None:
    item = submission([*local(alice), *away("x@near.test", "y@far.test")])
    keep([item])
    (claimed,) = services.claim(1)
    first, near, far = claimed.recipients
    with transaction.atomic():
        services.settle(claimed.token, [claimed.id], "routed")
        services.settle_recipients([(first.id, "delivered", "delivered")])
        services.wait([Departure(claimed.id, b"ARC", ((near.id, NEAR), (far.id, FAR)))])
    rows = QueuedRecipient.objects.order_by("id").values_list(
        "state", "destination", "attempts", "next_attempt_at"
    )
    assert list(rows) == [("delivered", "", 1, 0), ("waiting", NEAR, 0, 0), ("waiting", FAR, 0, 0)]
    (message,) = services.claim_destination(FAR, 1)
    assert message.signatures == b"ARC"
    assert [one.address for one in message.recipients] == ["y@far.test"]
    settle(message, "delivered")
    assert state(item.id) == MessageState.ROUTED
    settle(services.claim_destination(NEAR, 1)[0], "failed", "550 no")
    assert state(item.id) == MessageState.DONE


def test_it_is_not_done_by_processing_while_others_are_on_their_way(db: None) -> None:
    (message_id,) = send(1, recipients=2)
    (message,) = services.claim_destination(NEAR, 1)
    leaving, lost = message.recipients
    services.reroute_leased(message.token, message.id, [lost.id])
    assert states(message_id) == [RecipientState.WAITING, RecipientState.PENDING]
    (claimed,) = services.claim(1)
    assert [one.id for one in claimed.recipients] == [lost.id]
    services.settle(claimed.token, [message_id], "done")
    services.settle_recipients([(lost.id, "delivered", "delivered")])
    assert state(message_id) == MessageState.ROUTED
    services.settle_outgoing(
        [Settled(message.token, message_id, leaving.id, "delivered", "250 OK")]
    )
    assert state(message_id) == MessageState.DONE


def test_it_is_not_done_by_sending_while_others_are_to_be_processed(db: None) -> None:
    (message_id,) = send(1, recipients=2)
    (message,) = services.claim_destination(NEAR, 1)
    leaving, lost = message.recipients
    services.reroute_leased(message.token, message.id, [lost.id])
    services.settle_outgoing(
        [Settled(message.token, message_id, leaving.id, "delivered", "250 OK")]
    )
    assert state(message_id) == MessageState.ACCEPTED
    assert services.claim(1)


def test_it_reroutes_nothing_that_is_not_its_own(db: None) -> None:
    (message_id,) = send()
    (paused,) = services.claim_destination(NEAR, 1)
    lapse(paused)
    assert services.claim_destination(NEAR, 1)
    services.reroute_leased(paused.token, message_id, [paused.recipients[0].id])
    assert states(message_id) == [RecipientState.WAITING]
    assert state(message_id) == MessageState.ROUTED


def test_it_finishes_what_nobody_finished(db: None) -> None:
    forgotten, waiting, held = send(3)
    QueuedRecipient.objects.filter(message=forgotten).update(state=RecipientState.DELIVERED)
    QueuedRecipient.objects.filter(message=held).update(state=RecipientState.HELD)
    tasks.prune()
    assert state(forgotten) == MessageState.DONE
    assert state(waiting) == MessageState.ROUTED
    assert state(held) == MessageState.HELD
    assert services.finish_forgotten() == 0
