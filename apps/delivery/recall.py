"""What senders do to mail of theirs that has not left yet: cancel it, send it now, or later; and
have it tried again at once where another server did not take it.

Undo send, scheduled send and FUTURERELEASE stand on it. A message is sent or cancelled, never both.
"""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.delivery import tidings
from apps.directory import throttle
from apps.directory.models import User
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import QueuedMessage
from apps.mailqueue.services import Recall
from apps.mailstore.services import quota
from apps.mailstore.services.locks import lock
from apps.trace import services as trace
from apps.wire.errors import Throttled

HASTENED_MOST: Final = 10  # by one user, in an hour: each costs another server a connection
_HOUR: Final = 3_600


def cancel(message_id: UUID, user_id: int, *, accounts: Collection[int] = ()) -> Recall:
    """Cancel a message that the user submitted; too late if any of it was delivered or is under
    way.

    Args:
        accounts: users whose mailboxes the caller's own transaction changes after this: see
            `accept.accept`.
    """
    with transaction.atomic():
        recall, reserved = mailqueue.cancel(message_id, user_id)
        if accounts:
            lock(users={*accounts, *(owner for owner, _ in reserved)})
        quota.release(reserved)
        if recall is Recall.CANCELLED:
            _trace(message_id, "queue.cancelled", {"why": "by its sender", "by": _address(user_id)})
    return recall


def send_now(message_id: UUID, user_id: int) -> bool:
    """Send a message that the user holds back at once; false if it is not held back any more."""
    with transaction.atomic():
        done = mailqueue.reschedule(message_id, 0, user_id)
        if done:
            _trace(message_id, "queue.released", {"by": _address(user_id)})
            transaction.on_commit(bell.ring)
    return done


def reschedule(message_id: UUID, until_us: int, user_id: int) -> bool:
    """Send a message that the user holds back at another time, Unix microseconds; false if it is
    not held back any more."""
    with transaction.atomic():
        done = mailqueue.reschedule(message_id, until_us, user_id)
        if done:
            _trace(message_id, "queue.rescheduled", {"until": until_us, "by": _address(user_id)})
    return done


def hasten(message_id: UUID, user_id: int) -> int:
    """Try again now what other servers did not take yet of a message that the user submitted; for
    how many recipients. What an administrator holds, and what is under way, stays as it is.

    Raises:
        Throttled: the user has asked for that often already.
    """
    if not throttle.passes(f"hasten:{user_id}", "", most=HASTENED_MOST, seconds=_HOUR):
        raise Throttled(
            f"user {user_id} hastens", text=_("Tried often enough: it goes on by itself")
        )
    with transaction.atomic():
        message = QueuedMessage.objects.only("trace_id").filter(id=message_id, user_id=user_id)
        found = message.first()
        hastened = mailqueue.hasten(message_id) if found is not None else []
        if found is not None and hastened:
            trace.record(
                [trace.Event(found.trace_id, "queue.hastened", {"to": one}) for one in hastened]
            )
            tidings.tell([user_id])
            transaction.on_commit(bell.ring_outgoing)
    return len(hastened)


def _address(user_id: int) -> str:
    """Whose act it was, as the trace tells it after the user has gone as well."""
    return User.objects.filter(pk=user_id).values_list("address", flat=True).first() or ""


def _trace(message_id: UUID, kind: str, data: dict[str, Any]) -> None:
    message = QueuedMessage.objects.only("trace_id", "user_id").get(id=message_id)
    trace.record([trace.Event(message.trace_id, kind, data)])
    tidings.tell([message.user_id])
