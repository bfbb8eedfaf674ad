"""Remove what was settled long enough ago."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction

from apps.mailqueue.models import MessageState, QueuedMessage
from apps.mailqueue.services.columns import SECOND, marks
from apps.runtime.clock import now_us

KEEP_SETTLED_SECONDS = 3600


def prune(limit: int = 250) -> int:
    """Remove up to `limit` messages settled more than an hour ago, with their recipients."""
    before = now_us() - KEEP_SETTLED_SECONDS * SECOND
    with transaction.atomic():
        old = QueuedMessage.objects.filter(
            state__in=(MessageState.DONE, MessageState.REFUSED, MessageState.CANCELLED),
            settled_at__lt=before,
        )
        ids = list(old.order_by("settled_at").values_list("id", flat=True)[:limit])
        _forget(ids)
    return len(ids)


def _forget(ids: Sequence[UUID]) -> None:
    """Delete messages with all that belongs to them. Plain SQL: the ORM would first load each
    recipient, and a message may have a thousand."""
    if not ids:
        return
    these = f"({marks(ids)})"
    theirs = f"SELECT id FROM mailqueue_queuedrecipient WHERE message_id IN {these}"
    with connection.cursor() as cursor:
        for statement in (
            f"DELETE FROM mailqueue_aside WHERE message_id IN {these}",
            f"DELETE FROM mailqueue_attempt WHERE recipient_id IN ({theirs})",
            f"DELETE FROM mailqueue_queuedrecipient WHERE message_id IN {these}",
            f"DELETE FROM mailqueue_queuedmessage WHERE id IN {these}",
        ):
            cursor.execute(statement, [item.hex for item in ids])
