"""What senders do to mail of theirs that has not left yet: cancel it, send it now, or later.

Undo send, scheduled send and FUTURERELEASE stand on it. A message is sent or cancelled, never both.
"""

from uuid import UUID

from django.db import transaction

from apps.delivery import tidings
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import QueuedMessage
from apps.mailqueue.services import Recall
from apps.mailstore.services import quota
from apps.trace import services as trace


def cancel(message_id: UUID, user_id: int) -> Recall:
    """Cancel a message that the user submitted; too late if any of it was delivered or is under
    way."""
    with transaction.atomic():
        recall, reserved = mailqueue.cancel(message_id, user_id)
        quota.release(reserved)
        if recall is Recall.CANCELLED:
            _trace(message_id, "queue.cancelled")
    return recall


def send_now(message_id: UUID, user_id: int) -> bool:
    """Send a message that the user holds back at once; false if it is not held back any more."""
    with transaction.atomic():
        done = mailqueue.reschedule(message_id, 0, user_id)
        if done:
            _trace(message_id, "queue.released")
            transaction.on_commit(bell.ring)
    return done


def reschedule(message_id: UUID, until_us: int, user_id: int) -> bool:
    """Send a message that the user holds back at another time, Unix microseconds; false if it is
    not held back any more."""
    with transaction.atomic():
        done = mailqueue.reschedule(message_id, until_us, user_id)
        if done:
            _trace(message_id, "queue.rescheduled", {"until": until_us})
    return done


def _trace(message_id: UUID, kind: str, data: dict[str, int] | None = None) -> None:
    message = QueuedMessage.objects.only("trace_id", "user_id").get(id=message_id)
    trace.record([trace.Event(message.trace_id, kind, data or {})])
    tidings.tell([message.user_id])
