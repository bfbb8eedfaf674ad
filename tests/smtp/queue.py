"""What the doors put into the queue, as tests want to see it."""

from dataclasses import dataclass

from apps.blobs import services as blobs
from apps.mailqueue.models import QueuedMessage


@dataclass(frozen=True, slots=True)
class Queued:
    """One message of the queue; `recipients` are (final address, what RCPT said, user id)."""

    row: QueuedMessage
    raw: bytes
    prefix: bytes
    recipients: tuple[tuple[str, str, int | None], ...]


def queued() -> list[Queued]:
    """Everything in the queue, oldest first."""
    found = []
    for row in QueuedMessage.objects.order_by("received_at", "id"):
        recipients = tuple(
            row.recipients.order_by("id").values_list("address", "original", "user_id")
        )
        found.append(Queued(row, blobs.read(row.blob_id), bytes(row.prefix), recipients))
    return found


def only() -> Queued:
    """The one message in the queue."""
    (message,) = queued()
    return message
