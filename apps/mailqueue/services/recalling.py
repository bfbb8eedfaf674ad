"""What senders do to mail of their own that has not left: cancel it, send it now or at another
time, have it tried again at once.

Cancelling and sending exclude each other. Whoever sends holds a lease, and cancels it for nobody;
whoever cancels locks the message and its recipients and finds no lease. A recipient whose worker
died may have been sent, so its message is not cancelled either.
"""

from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.mailqueue.models import (
    Destination,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from apps.mailqueue.services.columns import NOW, database_now_us
from apps.mailqueue.services.holding import UNFINISHED, end, forget_aside
from apps.mailqueue.services.owing import tell

HASTENED: Final = 100  # recipients of one message


class Recall(StrEnum):
    """How an attempt to cancel ended."""

    CANCELLED = "cancelled"
    ALREADY = "already cancelled"  # as good: nothing of it leaves
    TOO_LATE = "too late"  # some of it was delivered, or is under way
    UNKNOWN = "unknown"  # no such message, or not theirs


def cancel(message_id: UUID, user_id: int | None = None) -> tuple[Recall, list[tuple[int, int]]]:
    """Cancel a message of which nothing has left, in the caller's transaction.

    Args:
        user_id: whose message it must be; None for an administrator.

    Returns:
        What became of it, and (user id, reserved bytes) of local recipients, to be released.
    """
    rows = QueuedMessage.objects.select_for_update().filter(id=message_id)
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    message = rows.only("state").first()
    if message is None:
        return Recall.UNKNOWN, []
    if message.state == MessageState.CANCELLED:
        return Recall.ALREADY, []
    if message.state not in (MessageState.ACCEPTED, MessageState.ROUTED, MessageState.HELD):
        return Recall.TOO_LATE, []
    tell([message_id])
    # Locked: a worker that is claiming them has committed when we read, or passes them over.
    recipients = QueuedRecipient.objects.select_for_update().filter(message=message).order_by("id")
    for state, token, crashes in recipients.values_list("state", "lease_token", "crashes"):
        if state not in UNFINISHED or token is not None or crashes:
            return Recall.TOO_LATE, []
    forget_aside([message_id])
    return Recall.CANCELLED, end([message_id], MessageState.CANCELLED, RecipientState.CANCELLED)


def reschedule(message_id: UUID, until_us: int, user_id: int | None = None) -> bool:
    """Hold a message back until another time (Unix microseconds; 0 is now), if it still is.

    Args:
        user_id: whose message it must be; None for an administrator.
    """
    now = NOW[connection.vendor]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mailqueue_queuedmessage SET hold_until = %s WHERE id = %s"
            f" AND state = 'accepted' AND lease_until = 0 AND hold_until > {now}"
            " AND (%s OR user_id = %s)",
            [until_us, message_id.hex, user_id is None, user_id],
        )
        return bool(cursor.rowcount)


def postpone(message_id: UUID, until_us: int) -> bool:
    """Take back that a message was sent before its time: hold it back again, if nobody has begun to
    process it.

    Args:
        until_us: as `QueuedMessage.hold_until` was.
    """
    rows = QueuedMessage.objects.filter(
        id=message_id, state=MessageState.ACCEPTED, lease_until=0, hold_until=0
    )
    return bool(rows.update(hold_until=until_us))


def hasten(message_id: UUID) -> list[str]:
    """Make the recipients that wait for their next attempt due now, in the caller's transaction;
    the addresses of those. Their destinations are open for it, even if nobody answered there.
    """
    waiting = QueuedRecipient.objects.select_for_update().filter(
        message_id=message_id,
        message__state=MessageState.ROUTED,
        state=RecipientState.WAITING,
        lease_token=None,
        next_attempt_at__gt=database_now_us(),
    )
    rows = list(waiting.order_by("id").values_list("id", "address", "destination")[:HASTENED])
    # Not 0, which is for new mail: what was tried before comes after that.
    QueuedRecipient.objects.filter(id__in=[key for key, _, _ in rows]).update(next_attempt_at=1)
    Destination.objects.filter(name__in={name for _, _, name in rows}).update(closed_until=0)
    return [address for _, address, _ in rows]
