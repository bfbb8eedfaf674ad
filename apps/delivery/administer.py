"""What an administrator does to mail in the queue: hold, retry, delete. Each act is traced."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import QueuedMessage
from apps.mailstore.services import quota
from apps.trace import services as trace


def hold(ids: Sequence[UUID], reason: str) -> int:
    """Keep messages from being delivered; returns how many were held."""
    with transaction.atomic():
        done = mailqueue.hold(ids, reason)
        _trace(done, "queue.held", {"why": reason})
    return len(done)


def retry(ids: Sequence[UUID]) -> int:
    """Process held or waiting messages now; returns how many."""
    with transaction.atomic():
        done = mailqueue.retry(ids)
        _trace(done, "queue.retried", {})
        transaction.on_commit(bell.ring)
    return len(done)


def delete(ids: Sequence[UUID]) -> int:
    """Delete unfinished messages without telling their senders; returns how many."""
    with transaction.atomic():
        done, reserved = mailqueue.delete(ids)
        quota.release(reserved)
        _trace(done, "queue.deleted", {})
    return len(done)


def _trace(ids: Sequence[UUID], kind: str, data: dict[str, str]) -> None:
    rows = QueuedMessage.objects.filter(id__in=ids).values_list("trace_id", flat=True)
    trace.record([trace.Event(trace_id, kind, data) for trace_id in rows])
