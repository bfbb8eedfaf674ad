"""Undo send and scheduled send: cancel, send now, send at another time."""

from collections.abc import Callable
from uuid import UUID

import pytest

from apps.delivery import process, recall
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.events import bell
from apps.mailqueue.models import Destination, QueuedMessage, QueuedRecipient
from apps.mailqueue.services import EnvelopeRecipient, Recall
from apps.mailstore.models import Entry, Usage
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.trace import queries as trace
from apps.wire.errors import Throttled
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db
HOUR_US = 3_600_000_000
OnCommit = Callable[..., object]


def scheduled(sender: User, recipient: User) -> UUID:
    item = submission(local(recipient), hold_until_us=now_us() + HOUR_US)
    accept([item])
    QueuedMessage.objects.filter(id=item.id).update(user=sender)
    return item.id


def kinds(message_id: UUID) -> list[str]:
    return [event.kind for event in trace.events_of(message_id)]


def test_it_cancels_once_and_gives_the_space_back(alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(quota=1_000_000)
    message_id = scheduled(alice, bob)
    assert Usage.objects.get(user=bob).reserved > 0
    assert recall.cancel(message_id, alice.pk) is Recall.CANCELLED
    assert Usage.objects.get(user=bob).reserved == 0
    assert recall.cancel(message_id, alice.pk) is Recall.ALREADY
    assert kinds(message_id) == ["mx.received", "queue.cancelled"]
    QueuedMessage.objects.update(hold_until=1)
    assert process.run_once() == 0


def test_it_tells_nothing_of_what_it_did_not_do(alice: User, bob: User) -> None:
    message_id = scheduled(alice, bob)
    assert recall.cancel(message_id, bob.pk) is Recall.UNKNOWN
    assert not recall.send_now(message_id, bob.pk)
    assert not recall.reschedule(message_id, 0, bob.pk)
    assert kinds(message_id) == ["mx.received"]


def test_it_is_too_late_once_it_was_filed(alice: User, bob: User) -> None:
    message_id = scheduled(alice, bob)
    assert recall.send_now(message_id, alice.pk)
    assert process.run_once() == 1
    assert recall.cancel(message_id, alice.pk) is Recall.TOO_LATE
    assert Entry.objects.count() == 1
    assert "queue.cancelled" not in kinds(message_id)


def test_it_sends_now_and_rings(
    alice: User,
    bob: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: OnCommit,
) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(bell, "ring", lambda: rung.append(True))
    message_id = scheduled(alice, bob)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        assert recall.send_now(message_id, alice.pk)
    assert rung == [True]
    assert kinds(message_id)[-1] == "queue.released"
    assert not recall.send_now(message_id, alice.pk)


def test_it_sends_at_another_time(alice: User, bob: User) -> None:
    message_id = scheduled(alice, bob)
    later = now_us() + 2 * HOUR_US
    assert recall.reschedule(message_id, later, alice.pk)
    assert QueuedMessage.objects.get().hold_until == later
    event = trace.events_of(message_id)[-1]
    assert (event.kind, event.data) == ("queue.rescheduled", {"until": later, "by": alice.address})
    assert process.run_once() == 0


def delayed(sender: User, *to: str) -> UUID:
    """A message that waits for other servers after a first attempt."""
    item = submission([EnvelopeRecipient(one, one, None) for one in to])
    accept([item])
    QueuedMessage.objects.filter(id=item.id).update(user=sender)
    process.run_once()
    later = now_us() + HOUR_US
    QueuedRecipient.objects.update(next_attempt_at=later, attempts=1)
    Destination.objects.create(name="mx/away.invalid", closed_until=later, failures=3)
    return item.id


def test_a_sender_has_it_tried_again_now(alice: User) -> None:
    message_id = delayed(alice, "a@away.invalid", "b@away.invalid")
    assert recall.hasten(message_id, alice.pk) == 2
    assert set(QueuedRecipient.objects.values_list("next_attempt_at", "attempts")) == {(1, 1)}
    assert Destination.objects.get().closed_until == 0
    assert kinds(message_id)[-2:] == ["queue.hastened"] * 2
    assert recall.hasten(message_id, alice.pk) == 0, "it is due already"


def test_what_is_held_or_under_way_is_not_hastened(alice: User) -> None:
    message_id = delayed(alice, "a@away.invalid", "b@away.invalid")
    first, second = QueuedRecipient.objects.order_by("id")
    QueuedRecipient.objects.filter(pk=first.pk).update(state="held")
    QueuedRecipient.objects.filter(pk=second.pk).update(lease_token=new_ulid())
    assert recall.hasten(message_id, alice.pk) == 0
    assert Destination.objects.get().closed_until > 0


def test_nobody_hastens_mail_of_others_nor_without_end(alice: User, bob: User) -> None:
    message_id = delayed(alice, "a@away.invalid")
    assert recall.hasten(message_id, bob.pk) == 0
    for _ in range(recall.HASTENED_MOST):
        recall.hasten(message_id, alice.pk)
    with pytest.raises(Throttled):
        recall.hasten(message_id, alice.pk)
