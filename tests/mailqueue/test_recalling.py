"""Cancelling and rescheduling, one step at a time; the races are in test_races."""

from uuid import UUID

import pytest
from django.db import transaction

from apps.directory.models import User
from apps.mailqueue import services
from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient, RecipientState
from apps.mailqueue.services import LeaseLostError, Recall
from apps.runtime.clock import now_us
from tests.mailqueue.leaving import NEAR, away, keep, lapse, route, send, settle, states
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db
HOUR_US = 3_600_000_000


@transaction.atomic
def cancel(message_id: UUID, user_id: int | None = None) -> Recall:
    return services.cancel(message_id, user_id)[0]


def scheduled(user: User) -> UUID:
    """A message that its sender holds back for an hour."""
    item = submission(away("x@elsewhere.test"), hold_until_us=now_us() + HOUR_US)
    keep([item])
    QueuedMessage.objects.filter(id=item.id).update(user=user)
    return item.id


def test_it_cancels_what_is_held_back(alice: User) -> None:
    message_id = scheduled(alice)
    assert cancel(message_id, alice.pk) is Recall.CANCELLED
    row = QueuedMessage.objects.get()
    assert row.state == MessageState.CANCELLED
    assert row.settled_at is not None
    assert states(message_id) == [RecipientState.CANCELLED]
    QueuedMessage.objects.update(hold_until=1)
    assert services.claim(9) == []
    assert cancel(message_id, alice.pk) is Recall.ALREADY


def test_it_cancels_nothing_of_somebody_else(alice: User, bob: User) -> None:
    message_id = scheduled(alice)
    assert cancel(message_id, bob.pk) is Recall.UNKNOWN
    assert cancel(UUID(int=1), alice.pk) is Recall.UNKNOWN
    assert QueuedMessage.objects.get().state == MessageState.ACCEPTED


def test_it_gives_back_what_was_reserved(alice: User) -> None:
    item = submission(local(alice))
    keep([item])
    with transaction.atomic():
        assert services.cancel(item.id) == (Recall.CANCELLED, [(alice.pk, item.size)])
    assert QueuedRecipient.objects.get().reserved == 0


def test_it_wins_over_a_worker_that_has_not_settled(alice: User) -> None:
    item = submission(local(alice))
    keep([item])
    (claimed,) = services.claim(1)
    assert cancel(item.id) is Recall.CANCELLED
    with pytest.raises(LeaseLostError), transaction.atomic():
        services.settle(claimed.token, [item.id], "done")


def test_it_cancels_what_waits_for_another_server(db: None) -> None:
    (message_id,) = send(1, recipients=2)
    assert cancel(message_id) is Recall.CANCELLED
    assert services.claim_destination(NEAR, 9) == []
    assert services.due_destinations(9) == []


def test_it_cancels_what_was_put_off(db: None) -> None:
    (message_id,) = send()
    settle(services.claim_destination(NEAR, 1)[0], "deferred", "451 later", 60)
    services.hold([message_id], "looks odd")
    assert cancel(message_id) is Recall.CANCELLED


def test_it_is_too_late_for_what_is_under_way(db: None) -> None:
    (message_id,) = send()
    (message,) = services.claim_destination(NEAR, 1)
    assert cancel(message_id) is Recall.TOO_LATE
    settle(message, "delivered")
    assert cancel(message_id) is Recall.TOO_LATE


def test_it_is_too_late_when_one_copy_has_left(db: None) -> None:
    (message_id,) = send(1, recipients=101)
    settle(services.claim_destination(NEAR, 1)[0], "delivered")
    assert cancel(message_id) is Recall.TOO_LATE
    assert states(message_id)[-1] == RecipientState.WAITING


def test_it_is_too_late_when_it_may_have_left(db: None) -> None:
    """The worker died: after the other server's 250, perhaps."""
    (message_id,) = send()
    lapse(services.claim_destination(NEAR, 1)[0])
    assert cancel(message_id) is Recall.TOO_LATE
    (message,) = services.claim_destination(NEAR, 1)
    settle(message, "deferred", "451 later", 60)
    assert cancel(message_id) is Recall.TOO_LATE


def test_it_is_too_late_for_mail_that_was_filed(alice: User) -> None:
    item = submission([*local(alice), *away("x@elsewhere.test")])
    keep([item])
    (claimed,) = services.claim(1)
    with transaction.atomic():
        services.settle(claimed.token, [item.id], "routed")
        services.settle_recipients([(claimed.recipients[0].id, "delivered", "delivered")])
    assert cancel(item.id) is Recall.TOO_LATE


def test_it_prunes_what_was_cancelled(alice: User) -> None:
    cancel(scheduled(alice))
    QueuedMessage.objects.update(settled_at=1)
    assert services.prune() == 1
    assert not QueuedRecipient.objects.exists()


def test_it_sends_at_another_time_what_is_still_held_back(alice: User, bob: User) -> None:
    message_id = scheduled(alice)
    later = now_us() + 5 * HOUR_US
    assert not services.reschedule(message_id, later, bob.pk)
    assert services.reschedule(message_id, later, alice.pk)
    assert QueuedMessage.objects.get().hold_until == later
    assert services.claim(9) == []
    assert services.reschedule(message_id, 0, alice.pk)
    assert [one.id for one in services.claim(9)] == [message_id]
    assert not services.reschedule(message_id, later, alice.pk)


def test_it_does_not_hold_back_what_has_begun(alice: User) -> None:
    message_id = scheduled(alice)
    QueuedMessage.objects.update(hold_until=now_us() - HOUR_US)
    assert not services.reschedule(message_id, now_us() + HOUR_US)
    route(NEAR)
    assert not services.reschedule(message_id, now_us() + HOUR_US)


def test_it_claims_what_its_sender_held_back_when_the_time_has_come(alice: User) -> None:
    message_id = scheduled(alice)
    QueuedMessage.objects.update(hold_until=now_us() - HOUR_US)
    fresh = submission(away("x@elsewhere.test"))
    keep([fresh])
    assert [one.id for one in services.claim(9, retries_first=True)] == [message_id]
    assert [one.id for one in services.claim(9)] == [fresh.id]
