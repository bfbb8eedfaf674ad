"""Reads of the queue for people: list, one message whole, destinations, attempts, what is due."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Count, Exists, F, Func, Max, Min, OuterRef, Q, QuerySet

from apps.mailqueue.models import (
    Attempt,
    Destination,
    Lane,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from apps.mailqueue.services import OUT_LEASE_SECONDS
from apps.runtime.clock import now_us
from apps.runtime.rows import Values, fetch

UNFINISHED = (
    MessageState.OFFERED,
    MessageState.ACCEPTED,
    MessageState.ROUTED,
    MessageState.HELD,
)
# Words of a statement, not its parameters: the conditions of partial indexes, or SQLite does not
# use them.
UNFINISHED_ROWS = Func(
    F("state"),
    template="%(expressions)s IN ('offered', 'accepted', 'routed', 'held')",
    output_field=BooleanField(),
)
UNPROCESSED_ROWS = Func(
    F("state"),
    template="%(expressions)s IN ('accepted', 'offered')",
    output_field=BooleanField(),
)
HELD_ROWS = Func(F("state"), template="%(expressions)s = 'held'", output_field=BooleanField())
WAITING_ROWS = Func(F("state"), template="%(expressions)s = 'waiting'", output_field=BooleanField())
FEW = 2_000
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
        last_reply: what was said there last; why it is closed, if it is.
        paused_at_us, paused_by: since when an administrator lets nothing go there; 0, "" if not.
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
    paused_at_us: int = 0
    paused_by: str = ""


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


_WAITING = """
SELECT destination, 0 AS paused, COUNT(*) AS waiting, 0 AS held, MIN(id) AS first,
  SUM(CASE WHEN next_attempt_at <= %s THEN 1 ELSE 0 END) AS due, MIN(next_attempt_at) AS next
FROM mailqueue_queuedrecipient WHERE state = 'waiting' GROUP BY destination"""
_HELD = """
SELECT destination, 0 AS paused, 0 AS waiting, COUNT(*) AS held, MIN(id) AS first, 0 AS due,
  NULL AS next
FROM mailqueue_queuedrecipient WHERE state = 'held' AND destination <> '' GROUP BY destination"""
# Also where nothing waits by now: somebody has to let it go on before something does.
_PAUSED = """
SELECT name, 1 AS paused, 0 AS waiting, 0 AS held, NULL AS first, 0 AS due, NULL AS next
FROM mailqueue_destination WHERE paused_at > 0 AND name <> '*'"""
# The groups are counted in an index alone; rows are looked at for the few that are shown.
_DESTINATIONS = f"""
SELECT destination, SUM(waiting), SUM(held), MIN(first), SUM(due), MIN(next)
FROM ({_WAITING} UNION ALL {_HELD} UNION ALL {_PAUSED}) AS stuck
GROUP BY destination
ORDER BY SUM(paused) DESC, SUM(waiting) DESC, SUM(held) DESC, destination LIMIT %s"""


@dataclass(frozen=True, slots=True)
class Pause:
    """Since when (Unix microseconds) sending is paused, and who said so."""

    paused_at_us: int
    paused_by: str


def paused_everywhere() -> Pause | None:
    """Whether all sending to other servers is paused."""
    rows = Destination.objects.filter(name="*", paused_at__gt=0)
    found = rows.values_list("paused_at", "paused_by").first()
    return None if found is None else Pause(*found)


def destinations(limit: int = 100) -> list[DestinationRow]:
    """Destinations that are paused, and those with mail that waits or is held, most of it first;
    four statements. The first counts what waits, in an index; the others read a few rows for each
    that is returned."""
    now = now_us()
    rows = fetch(_DESTINATIONS, [now, limit])
    groups = [
        {"destination": row[0], "waiting": int(row[1]), "held": int(row[2]), "first": row[3]}
        | {"due": int(row[4]), "next": row[5]}
        for row in rows
    ]
    return _described(groups, now)


def destinations_of(
    messages: QuerySet[QueuedMessage], recipients: QuerySet[QueuedRecipient], limit: int = 100
) -> list[DestinationRow]:
    """The same of some messages alone: what others send there is not told.

    Args:
        recipients: those of which it may be told where they are.
    """
    now = now_us()
    waiting = Q(state=RecipientState.WAITING)
    groups = (
        recipients.filter(state__in=STUCK, message__in=messages.values("pk"))
        .exclude(destination="")
        .values("destination")
        .annotate(
            waiting=Count("id", filter=waiting),
            held=Count("id", filter=Q(state=RecipientState.HELD)),
            first=Min("id"),
            last=Max("id"),
            due=Count("id", filter=waiting & Q(next_attempt_at__lte=now)),
            next=Min("next_attempt_at", filter=waiting),
        )
        .order_by("-waiting", "-held", "destination")[:limit]
    )
    # Each that is being sent to is asked for its message: they are few.
    own = Exists(messages.filter(pk=OuterRef("message")))
    return _described(list(groups), now, recipients.filter(own))


def _described(
    groups: Sequence[Mapping[str, Any]],
    now: int,
    recipients: QuerySet[QueuedRecipient] | None = None,
) -> list[DestinationRow]:
    names = [row["destination"] for row in groups]
    states = Destination.objects.in_bulk(names)
    nothing = Destination()
    first = QueuedRecipient.objects.filter(pk__in=[row["first"] for row in groups if row["first"]])
    oldest = dict(first.values_list("destination", "message__received_at"))
    if recipients is None:
        replies = _replies(names)
    else:
        last = QueuedRecipient.objects.filter(pk__in=[row["last"] for row in groups])
        replies = dict(last.values_list("destination", "last_reply"))
    leased = _under_way(names, now, recipients)
    return [
        _destination(row, states.get(row["destination"], nothing), now, oldest, replies, leased)
        for row in groups
    ]


_REPLIES = """
SELECT name, (SELECT last_reply FROM mailqueue_queuedrecipient AS tried
  WHERE tried.state = 'waiting' AND tried.destination = name AND tried.next_attempt_at > 0
  ORDER BY tried.next_attempt_at DESC, tried.id DESC LIMIT 1) FROM {names}"""
_NAMES = Values("wanted", "name text")


def _replies(names: Sequence[str]) -> dict[str, str]:
    """What was said there last, of the recipient whose next try is the last: it was tried most
    recently. One step in an index for each name."""
    if not names:
        return {}
    rows = fetch(_REPLIES.format(names=_NAMES.sql), Values.parameters([(name,) for name in names]))
    return {name: reply or "" for name, reply in rows}


def _under_way(
    names: Sequence[str], now: int, recipients: QuerySet[QueuedRecipient] | None
) -> dict[str, int]:
    """How many are being sent to: those whose next try is the end of a lease, which is near."""
    rows = QueuedRecipient.objects.all() if recipients is None else recipients
    rows = rows.filter(_leased(now), destination__in=names)
    counts = rows.values("destination").annotate(count=Count("id")).order_by("destination")
    return dict(counts.values_list("destination", "count"))


def leased_recipients(now: int) -> QuerySet[QueuedRecipient]:
    """Recipients that somebody sends to at this moment; a range of the index of what is due."""
    return QueuedRecipient.objects.filter(_leased(now))


def _leased(now: int) -> Q:
    until = now + OUT_LEASE_SECONDS * 1_000_000
    near = Q(next_attempt_at__gt=now, next_attempt_at__lte=until, lease_until__gt=now)
    return Q(WAITING_ROWS) & near


def _destination(
    row: Mapping[str, Any],
    known: Destination,
    now: int,
    oldest: Mapping[str, int],
    replies: Mapping[str, str],
    leased: Mapping[str, int],
) -> DestinationRow:
    name = row["destination"]
    is_closed = known.closed_until > now
    return DestinationRow(
        name=name,
        waiting=row["waiting"],
        held=row["held"],
        due=row["due"],
        under_way=leased.get(name, 0),
        oldest_us=oldest.get(name, 0),
        next_us=row["next"] or 0,
        closed_until_us=known.closed_until if is_closed else 0,
        failures=known.failures,
        last_reply=known.last_reply if is_closed else replies.get(name, "") or known.last_reply,
        paused_at_us=known.paused_at,
        paused_by=known.paused_by,
    )


def _bound_for(destination: str) -> Any:
    return QueuedRecipient.objects.filter(state__in=STUCK, destination=destination)


def bound_messages(names: Sequence[str], recipients: QuerySet[QueuedRecipient]) -> Q:
    """Messages of which one of these recipients waits for one of these destinations, or is held on
    the way there; two statements that read `FEW` rows at most.

    Of a few the ids are given: no planner then thinks it cheaper to walk through the queue until
    they come by. Where there are many, so that a page of them is soon together, each message is
    asked for its recipients in turn.
    """
    rows = recipients.filter(destination__in=names)
    found: set[UUID] = set()
    for state in (WAITING_ROWS, HELD_ROWS):
        few = list(rows.filter(state).order_by().values_list("message", flat=True)[:FEW])
        if len(few) == FEW:
            return Q(Exists(rows.filter(message=OuterRef("pk"), state__in=STUCK)))
        found.update(few)
    return Q(pk__in=found)


def stuck() -> QuerySet[QueuedMessage]:
    """Messages that are not held themselves, but some of their recipients are, and none waits."""
    held = QueuedRecipient.objects.filter(HELD_ROWS).values("message")
    waiting = QueuedRecipient.objects.filter(message=OuterRef("pk"), state=RecipientState.WAITING)
    rows = QueuedMessage.objects.filter(pk__in=held, state=MessageState.ROUTED)
    return rows.filter(~Exists(waiting))


def first_id(at_us: int) -> UUID:
    """The least id that a message of this time can have: ids sort by time."""
    return UUID(bytes=max(0, at_us // 1000).to_bytes(6, "big") + bytes(10))


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
