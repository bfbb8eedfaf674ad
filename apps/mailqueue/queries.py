"""Reads of the queue for people: list, one message whole, destinations, attempts, what is due."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, Q

from apps.mailqueue.models import (
    Attempt,
    Destination,
    Lane,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from apps.runtime.clock import now_us

UNFINISHED = (
    MessageState.OFFERED,
    MessageState.ACCEPTED,
    MessageState.ROUTED,
    MessageState.HELD,
)
STUCK = (RecipientState.WAITING, RecipientState.HELD)


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """Where one recipient stands. `next_attempt_us` is 0 if it is due at once, or not at all."""

    address: str
    original: str
    state: str
    reply: str
    destination: str
    attempts: int
    next_attempt_us: int
    is_under_way: bool


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A message in the queue with its recipients. `hold_until_us` is 0 unless its sender holds it
    back."""

    id: UUID
    trace_id: UUID
    sender: str
    state: str
    door: str
    size: int
    received_at_us: int
    hold_until_us: int
    claims: int
    last_error: str
    client: dict[str, Any]
    recipients: tuple[RecipientRow, ...]


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try to hand a recipient's copy to another server."""

    at_us: int
    address: str
    remote: str
    tls: str
    outcome: str
    reply: str
    transcript: str


@dataclass(frozen=True, slots=True)
class DestinationRow:
    """What waits for one destination, and how it goes there.

    Args:
        due: recipients that may be tried now; `under_way` those that somebody sends to.
        oldest_us: when the oldest message that waits was received, Unix microseconds.
        next_us: when the next recipient is due.
        closed_until_us: nobody tries before; 0 if it is open.
        failures: how often in a row nobody answered.
    """

    name: str
    waiting: int
    held: int
    due: int
    under_way: int
    oldest_us: int
    next_us: int
    closed_until_us: int
    failures: int
    last_reply: str


def page(
    limit: int = 100, state: str = "", after: UUID | None = None, destination: str = ""
) -> list[QueueRow]:
    """Unfinished messages in the order they came (ids sort by time); two queries.

    Args:
        destination: those of which a recipient waits for it, or is held.
    """
    rows = QueuedMessage.objects.filter(state__in=[state] if state else UNFINISHED)
    if after is not None:
        rows = rows.filter(id__gt=after)
    if destination:
        rows = rows.filter(id__in=_bound_for(destination).values("message"))
    return _with_recipients(list(rows.order_by("id")[:limit]))


def one(message_id: UUID) -> QueueRow | None:
    """One message, finished or not; two queries."""
    found = _with_recipients(list(QueuedMessage.objects.filter(id=message_id)))
    return found[0] if found else None


def bound_for(destination: str) -> list[UUID]:
    """Messages of which a recipient waits for a destination, or is held; oldest first."""
    return sorted(set(_bound_for(destination).values_list("message", flat=True)))


def attempts_of(message_id: UUID) -> list[AttemptRow]:
    """All tries of a message's recipients, oldest first."""
    rows = Attempt.objects.filter(recipient__message=message_id).order_by("at", "id")
    fields = ("at", "recipient__address", "remote", "tls", "outcome", "reply", "transcript")
    return [AttemptRow(*row) for row in rows.values_list(*fields)]


def destinations(limit: int = 100) -> list[DestinationRow]:
    """Destinations with mail that waits or is held, most of it first; two queries, the first of
    which reads all that waits."""
    now = now_us()
    waiting = Q(state=RecipientState.WAITING)
    groups = (
        QueuedRecipient.objects.filter(state__in=STUCK)
        .exclude(destination="")
        .values("destination")
        .annotate(
            waiting=Count("id", filter=waiting),
            held=Count("id", filter=Q(state=RecipientState.HELD)),
            due=Count("id", filter=waiting & Q(lease_token=None, next_attempt_at__lte=now)),
            under_way=Count("id", filter=Q(lease_until__gt=now)),
            oldest=Min("message__received_at"),
            next=Min("next_attempt_at", filter=waiting),
        )
        .order_by("-waiting", "-held", "destination")[:limit]
    )
    found = list(groups)
    states = Destination.objects.in_bulk([row["destination"] for row in found])
    nothing = Destination()
    return [_destination(row, states.get(row["destination"], nothing), now) for row in found]


def _destination(row: Mapping[str, Any], known: Destination, now: int) -> DestinationRow:
    return DestinationRow(
        name=row["destination"],
        waiting=row["waiting"],
        held=row["held"],
        due=row["due"],
        under_way=row["under_way"],
        oldest_us=row["oldest"],
        next_us=row["next"] or 0,
        closed_until_us=known.closed_until if known.closed_until > now else 0,
        failures=known.failures,
        last_reply=known.last_reply,
    )


def _bound_for(destination: str) -> Any:
    return QueuedRecipient.objects.filter(state__in=STUCK, destination=destination)


def unprocessed(ids: Sequence[UUID]) -> set[UUID]:
    """Those of these messages that are in the queue and were not processed yet: nothing of them has
    left."""
    rows = QueuedMessage.objects.filter(
        id__in=ids, state__in=[MessageState.OFFERED, MessageState.ACCEPTED]
    )
    return set(rows.values_list("id", flat=True)) if ids else set()


def has_due(lane: Lane = Lane.FAST) -> bool:
    """Whether a worker would find something to claim now, or soon (a lease that has lapsed)."""
    now = now_us()
    return QueuedMessage.objects.filter(
        state__in=[MessageState.ACCEPTED, MessageState.OFFERED],
        lane=lane,
        lease_until__lte=now,
        hold_until__lte=now,
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
    by_message: dict[UUID, list[RecipientRow]] = {message.id: [] for message in messages}
    now = now_us()
    for recipient in QueuedRecipient.objects.filter(message__in=list(by_message)).order_by("id"):
        by_message[recipient.message_id].append(_recipient(recipient, now))
    return [
        QueueRow(
            id=message.id,
            trace_id=message.trace_id,
            sender=message.sender,
            state=message.state,
            door=message.door,
            size=message.size,
            received_at_us=message.received_at,
            hold_until_us=message.hold_until if message.hold_until > now else 0,
            claims=message.claims,
            last_error=message.last_error,
            client=json.loads(message.client),
            recipients=tuple(by_message[message.id]),
        )
        for message in messages
    ]


def _recipient(row: QueuedRecipient, now: int) -> RecipientRow:
    waits = row.state == RecipientState.WAITING
    return RecipientRow(
        address=row.address,
        original=row.original,
        state=row.state,
        reply=row.last_reply,
        destination=row.destination,
        attempts=row.attempts,
        next_attempt_us=row.next_attempt_at if waits else 0,
        is_under_way=row.lease_until > now,
    )


def is_dead(destination: str, since_us: int) -> bool:
    """Whether a destination is closed, or failed at its last try and that was after `since_us`."""
    shut = Destination.objects.filter(name=destination)
    failed = Q(failures__gt=0, last_failed_at__gte=since_us)
    return shut.filter(Q(closed_until__gt=now_us()) | failed).exists()
