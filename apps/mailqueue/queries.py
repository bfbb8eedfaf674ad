"""Reads of the queue for people: list, one message whole, what is due."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient, RecipientState
from apps.runtime.clock import now_us

UNFINISHED = (
    MessageState.OFFERED,
    MessageState.ACCEPTED,
    MessageState.ROUTED,
    MessageState.HELD,
)


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A message in the queue with its recipients: (address, state, last reply)."""

    id: UUID
    trace_id: UUID
    sender: str
    state: str
    door: str
    size: int
    received_at_us: int
    claims: int
    last_error: str
    client: dict[str, Any]
    recipients: tuple[tuple[str, str, str], ...]


def page(limit: int = 100, state: str = "", after: UUID | None = None) -> list[QueueRow]:
    """Unfinished messages in the order they came (ids sort by time); two queries."""
    rows = QueuedMessage.objects.filter(state__in=[state] if state else UNFINISHED)
    if after is not None:
        rows = rows.filter(id__gt=after)
    return _with_recipients(list(rows.order_by("id")[:limit]))


def one(message_id: UUID) -> QueueRow | None:
    """One message, finished or not; two queries."""
    found = _with_recipients(list(QueuedMessage.objects.filter(id=message_id)))
    return found[0] if found else None


def has_due() -> bool:
    """Whether a worker would find something to claim now, or soon (a lease that has lapsed)."""
    now = now_us()
    return QueuedMessage.objects.filter(
        state=MessageState.ACCEPTED, lease_until__lte=now, hold_until__lte=now
    ).exists()


def has_due_outgoing() -> bool:
    """Whether some recipient may be due to leave now (its destination may be closed)."""
    return QueuedRecipient.objects.filter(
        state=RecipientState.WAITING, next_attempt_at__lte=now_us()
    ).exists()


def next_due_us() -> int | None:
    """When the next recipient is due to leave, Unix microseconds; None if none waits."""
    waiting = QueuedRecipient.objects.filter(state=RecipientState.WAITING)
    first = waiting.order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
    return None if first is None else int(first)


def _with_recipients(messages: list[QueuedMessage]) -> list[QueueRow]:
    by_message: dict[UUID, list[tuple[str, str, str]]] = {message.id: [] for message in messages}
    recipients = QueuedRecipient.objects.filter(message__in=list(by_message)).order_by("id")
    for message_id, *rest in recipients.values_list("message", "address", "state", "last_reply"):
        by_message[message_id].append((rest[0], rest[1], rest[2]))
    return [
        QueueRow(
            id=message.id,
            trace_id=message.trace_id,
            sender=message.sender,
            state=message.state,
            door=message.door,
            size=message.size,
            received_at_us=message.received_at,
            claims=message.claims,
            last_error=message.last_error,
            client=json.loads(message.client),
            recipients=tuple(by_message[message.id]),
        )
        for message in messages
    ]
