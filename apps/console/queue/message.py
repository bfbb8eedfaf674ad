"""One message of the queue: its envelope, where each recipient stands, what was tried and said."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from apps.console.queue.words import SECOND, Said, Spoken, moment, place, said, shown, since, spoken
from apps.delivery import story
from apps.directory.permissions import Powers
from apps.mailqueue.models import (
    Aside,
    MessageState,
    QueuedMessage,
    QueuedRecipient,
    RecipientState,
)
from apps.mailqueue.queries import AttemptRow
from apps.provisioning.administration import waitingmessage as stories
from apps.runtime.clock import now_us
from apps.runtime.ulid import ulid_text
from apps.trace import queries as traces

EVENTS: Final = 1_000  # read of its trace
ENDED: Final = frozenset({MessageState.DONE, MessageState.REFUSED, MessageState.CANCELLED})
_CLIENT: Final = ("address", "helo", "tls")
_SIGNS: Final = {
    RecipientState.DELIVERED: "ok",
    RecipientState.FAILED: "bad",
    RecipientState.REFUSED: "bad",
    RecipientState.WAITING: "warn",
    RecipientState.HELD: "neutral",
}
_STATES: Final = {
    MessageState.OFFERED: ("info", "Coming in"),
    MessageState.ACCEPTED: ("info", "Being processed"),
    MessageState.ROUTED: ("warn", "Waiting"),
    MessageState.HELD: ("neutral", "Held"),
    MessageState.DONE: ("ok", "Finished"),
    MessageState.REFUSED: ("bad", "Refused"),
    MessageState.CANCELLED: ("neutral", "Cancelled"),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """A recipient. `written` is the address as the envelope named it, "" if it is the same."""

    address: str
    written: str
    kind: str
    state: str
    destination: str
    tries: int
    next: datetime | None
    is_under_way: bool
    why: Said


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt to hand over one recipient's copy."""

    at: datetime | None
    to: str
    remote: str
    tls: str
    kind: str
    outcome: str
    why: Said
    lines: list[Spoken]


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did to it. `by` is "" where nobody was named."""

    at: datetime | None
    words: str
    by: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A message.

    Args:
        kind, state: of its badge.
        ends_in: seconds until it is deleted or returned; None if it is not to be.
        gives_up: when its sender gets it back; None if nothing of it waits.
        is_theirs: whether who looks may act on it, and sees all of it.
        is_finished: nothing can be done to it any more.
        others: recipients that are not shown.
    """

    id: UUID
    trace_id: UUID
    sender: str
    size: int
    door: str
    client: str
    received: datetime | None
    age: str
    until: datetime | None
    gives_up: datetime | None
    kind: str
    state: str
    error: str
    ends_in: int | None
    is_theirs: bool
    is_finished: bool
    is_held: bool
    is_scheduled: bool
    is_waiting: bool
    is_coming: bool
    is_cancellable: bool
    readers: list[Reader]
    others: int
    tries: list[Try]
    acts: list[Act]

    @property
    def key(self) -> str:
        """Its id as people read it."""
        return ulid_text(self.id)


def describe(powers: Powers, message: QueuedMessage) -> Shown:
    """A message in sight, in ten statements at most."""
    now = now_us()
    told = stories.told(powers, message)
    is_scheduled = message.state == MessageState.ACCEPTED and message.hold_until > now
    kind, state = ("accent", "Scheduled") if is_scheduled else _STATES[MessageState(message.state)]
    is_waiting = message.state == MessageState.ROUTED
    begun = max(message.received_at, message.hold_until)
    return Shown(
        id=message.pk,
        trace_id=message.trace_id,
        sender=shown(message.sender),
        size=message.size,
        door=message.door,
        client=_client(message.client) if told.is_theirs else "",
        received=moment(message.received_at),
        age=since(message.received_at, now),
        until=moment(message.hold_until) if is_scheduled else None,
        gives_up=moment(begun + settings.BOUNCE_AFTER * SECOND) if is_waiting else None,
        kind=kind,
        state=state,
        error=shown(message.last_error),
        ends_in=_ends_in(told.aside, now),
        is_theirs=told.is_theirs,
        is_finished=message.state in ENDED,
        is_held=message.state == MessageState.HELD,
        is_scheduled=is_scheduled,
        is_waiting=is_waiting,
        is_coming=message.state == MessageState.OFFERED,
        is_cancellable=told.is_cancellable,
        readers=[_reader(row, now, is_named=row.pk in told.named) for row in told.recipients],
        others=told.others,
        tries=[_try(one) for one in told.attempts],
        acts=_acts(message.trace_id, None if told.is_open else told.nameable)
        if told.is_theirs
        else [],
    )


def _ends_in(aside: Aside | None, now: int) -> int | None:
    if aside is None or not aside.due_at:
        return None
    return max(0, (aside.due_at - now) // SECOND)


def _client(column: str) -> str:
    """Which client brought it: address, name and encryption, as far as they are known."""
    try:
        client = json.loads(column)
    except ValueError:
        return ""
    if not isinstance(client, dict):
        return ""
    return shown(", ".join(str(client[key]) for key in _CLIENT if client.get(key)))


def _reader(row: QueuedRecipient, now: int, *, is_named: bool) -> Reader:
    waits = row.state == RecipientState.WAITING
    is_under_way = row.lease_until > now
    return Reader(
        address=shown(row.address if is_named else row.original),
        written=shown(row.original) if is_named and row.original != row.address else "",
        kind="info" if is_under_way else _SIGNS.get(RecipientState(row.state), "neutral"),
        state="Sending" if is_under_way else RecipientState(row.state).label,
        destination=place(row.destination) if is_named else "",
        tries=row.attempts,
        next=moment(row.next_attempt_at) if waits and row.next_attempt_at > now else None,
        is_under_way=is_under_way,
        why=said(row.last_reply if is_named else ""),
    )


def _try(one: AttemptRow) -> Try:
    return Try(
        at=moment(one.at_us),
        to=shown(one.address),
        remote=shown(one.remote),
        tls=shown(one.tls),
        kind={"delivered": "ok", "failed": "bad"}.get(one.outcome, "warn"),
        outcome=one.outcome.capitalize(),
        why=said(one.reply),
        lines=spoken(one.transcript) if one.transcript else [],
    )


def _acts(trace_id: UUID, named: QuerySet[QueuedRecipient] | None) -> list[Act]:
    """What was done to it, the last first; `queue.waiting` is what the service does.

    Args:
        named: recipients that may be named; None for all.
    """
    events = [
        one
        for one in traces.events_of(trace_id, EVENTS)
        if one.kind.startswith("queue.") and one.kind != "queue.waiting"
    ][::-1][: stories.ATTEMPTS]
    if named is not None:
        asked = [one.data["to"] for one in events if isinstance(one.data.get("to"), str)]
        told = set(named.filter(address__in=asked).values_list("address", flat=True))
        events = [one for one in events if "to" not in one.data or one.data["to"] in told]
    return [
        Act(moment(one.at_us), shown(story.sentence(one)), shown(str(one.data.get("by") or "")))
        for one in events
    ]
