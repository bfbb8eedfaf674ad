"""What became of a sent message, recipient by recipient, for the person who sent it.

The trace is the source: its events are folded, in their order, into one state for each address that
the sender wrote. Where such an address stood for several recipients, the worst of theirs is shown
and how many it reached.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from apps.delivery.causes import cause_of
from apps.mime.dsn import Action, shown_address
from apps.trace import queries as traces
from apps.trace.queries import Recorded

EVENTS_MAX = 5_000  # of one message; what happened later is not shown
EVENTS_LISTED = 60  # of one message of many


class State(StrEnum):
    """Where a recipient stands, from good to bad: of several, the last is shown."""

    DELIVERED = "delivered"  # in the mailbox here, or accepted by another server
    CANCELLED = "cancelled"  # by the sender, before it left
    DELETED = "deleted"  # by an administrator
    WAITING = "waiting"  # not tried yet
    DELAYED = "delayed"  # tried, and to be tried again
    HELD = "held"  # an administrator must look
    RETURNED = "returned"  # accepted by another server, which then reported that it failed
    FAILED = "failed"  # refused, or given up


_SEVERITY: Final = {state: place for place, state in enumerate(State)}
_OPEN = frozenset((State.WAITING, State.DELAYED, State.HELD))
_REFUSED: Final = ".refused"  # of any door
_BEFORE_TEXT: Final = frozenset(("mail", "rcpt"))  # stages of an SMTP transaction


@dataclass(frozen=True, slots=True)
class RecipientState:
    """What became of one address.

    Args:
        address: as the sender wrote it.
        at_us: Unix microseconds of the event that made it so; `next_at_us` of the next try,
            or of the first where it was scheduled, or 0.
        host: the other server's name, "" for a mailbox here; `tls` how the way was encrypted.
        reply: what the other server said, or why it waits.
        status: enhanced status code, "" if unknown.
        tries: how often it was tried.
        is_accepted: another server has taken it over.
        is_confirmed: it is in the mailbox, or the other server reported so.
        members: how many recipients the address stood for, `reached` how many of them have it.
    """

    address: str
    state: State
    at_us: int
    host: str = ""
    reply: str = ""
    status: str = ""
    tls: str = ""
    next_at_us: int = 0
    tries: int = 0
    is_accepted: bool = False
    is_confirmed: bool = False
    members: int = 1
    reached: int = 0

    @property
    def shown(self) -> str:
        """The address for people."""
        return shown_address(self.address)

    @property
    def text(self) -> str:
        """One sentence for people."""
        return _SENTENCES[self.state](self)


def severity(one: RecipientState) -> int:
    """A number that is higher the worse it is."""
    return _SEVERITY[one.state]


def of_message(user_id: int, message_id: str) -> list[RecipientState]:
    """What became of the message that a user sent with this Message-ID, as the store keeps it.

    An empty list if nothing is known of it: it was sent elsewhere, or long ago.
    """
    trace_id = trace_of(user_id, message_id)
    return [] if trace_id is None else of_trace(trace_id)


def trace_of(user_id: int, message_id: str) -> UUID | None:
    """The trace of the message that a user sent with this Message-ID, the last of several; None if
    nothing is known of it."""
    if not message_id:
        return None
    mine = [trace_id for trace_id, sender in traces.sent_as(message_id) if sender == user_id]
    return mine[-1] if mine else None


def of_messages(user_id: int, message_ids: Sequence[str]) -> dict[str, list[RecipientState]]:
    """What became of each of several messages that a user sent; two queries. Those of which nothing
    is known, or so much that a list has no room for it (`EVENTS_LISTED`), are left out."""
    traced = traces.sent_by(user_id, message_ids)
    events = traces.events_of_many(sorted(set(traced.values())), EVENTS_LISTED + 1)
    found = {}
    for message_id, trace_id in traced.items():
        mine = events.get(trace_id, [])
        if mine and len(mine) <= EVENTS_LISTED:
            found[message_id] = of_events(mine)
    return found


def of_trace(trace_id: UUID) -> list[RecipientState]:
    """What became of each address of a message, in the order they were written."""
    return of_events(traces.events_of(trace_id, EVENTS_MAX))


def of_events(events: Sequence[Recorded]) -> list[RecipientState]:
    """The same of events that were read already, in their order."""
    folding = _Folding()
    for event in events:
        folding.take(event)
    return folding.result()


@dataclass(slots=True)
class _Folding:
    """Events on their way to states; `finals` by final address."""

    written: list[str] = field(default_factory=list)
    members: dict[str, str] = field(default_factory=dict)
    finals: dict[str, RecipientState] = field(default_factory=dict)

    def take(self, event: Recorded) -> None:
        if event.kind.endswith(traces.RECEIVED) and "queue_id" in event.data:
            self._begin(event)
        elif event.kind.endswith(_REFUSED):
            self._refuse(event)
        elif event.kind in _ALL:
            self._set_open(_ALL[event.kind], event)
        elif event.kind in _ONE:
            to = str(event.data.get("to", ""))
            now = self.finals.get(to)
            if now is not None:
                self.finals[to] = _ONE[event.kind](now, event)

    def _begin(self, event: Recorded) -> None:
        members, written = event.data.get("members"), event.data.get("to")
        self.members = dict(members) if isinstance(members, dict) else {}
        self.written = [str(one) for one in written] if isinstance(written, list) else []
        stand_for = set(self.members.values())
        for final in [*(one for one in self.written if one not in stand_for), *self.members]:
            self.finals[final] = RecipientState(
                final, State.WAITING, event.at_us, next_at_us=_moment(event.data, "until")
            )

    def _set_open(self, state: State, event: Recorded) -> None:
        why, to = _word(event.data, "why"), event.data.get("to")
        for final, now in self.finals.items():
            if now.state in _OPEN and to in (None, final):
                self.finals[final] = replace(
                    now,
                    state=state,
                    at_us=event.at_us,
                    reply=why,
                    next_at_us=_moment(event.data, "until"),
                )

    def _refuse(self, event: Recorded) -> None:
        """After its text a door refuses a message as a whole. What it refused before that, of
        which it tells later, was said to addresses that were not taken."""
        reply, stage = _word(event.data, "reply"), _word(event.data, "stage")
        for final, now in self.finals.items():
            if now.state in _OPEN and stage not in _BEFORE_TEXT:
                status = _word(event.data, "status") or " ".join(reply.split()[1:2])
                self.finals[final] = replace(_said(now, event, State.FAILED), status=status)

    def result(self) -> list[RecipientState]:
        groups: dict[str, list[RecipientState]] = {one: [] for one in self.written}
        for final, now in self.finals.items():
            groups.setdefault(self.members.get(final, final), []).append(now)
        return [_merge(written, group) for written, group in groups.items() if group]


def _merge(written: str, group: Sequence[RecipientState]) -> RecipientState:
    worst = max(group, key=severity)
    reached = sum(1 for one in group if one.state is State.DELIVERED)
    return replace(worst, address=written, members=len(group), reached=reached)


# What a kind of event makes of recipients that are not settled: of all, or of one if it names it.
_ALL = {
    "queue.held": State.HELD,
    "queue.retried": State.WAITING,
    "queue.hastened": State.WAITING,
    "queue.released": State.WAITING,
    "queue.rescheduled": State.WAITING,
    "queue.deleted": State.DELETED,
    "queue.cancelled": State.CANCELLED,
}


def _said(now: RecipientState, event: Recorded, state: State) -> RecipientState:
    """`now` after an event, with all that the event tells."""
    data = event.data
    return replace(
        now,
        state=state,
        at_us=event.at_us,
        host=_word(data, "host"),
        reply=_word(data, "reply") or _word(data, "why"),
        status=_word(data, "status"),
        tls=_word(data, "tls"),
        next_at_us=_moment(data, "next_at"),
    )


def _word(data: dict[str, Any], key: str) -> str:
    return str(data.get(key) or "")


def _moment(data: dict[str, Any], key: str) -> int:
    found = data.get(key)
    return found if isinstance(found, int) else 0


def _filed(now: RecipientState, event: Recorded) -> RecipientState:
    return replace(_said(now, event, State.DELIVERED), is_confirmed=True)


def _waits(now: RecipientState, event: Recorded) -> RecipientState:
    """It was processed: what stood in its way before, a schedule perhaps, is over."""
    if now.state is not State.WAITING:
        return now
    return replace(now, at_us=event.at_us, next_at_us=0)


def _tried(state: State) -> Callable[[RecipientState, Recorded], RecipientState]:
    def fold(now: RecipientState, event: Recorded) -> RecipientState:
        after = _said(now, event, state)
        return replace(after, tries=now.tries + 1, is_accepted=state is State.DELIVERED)

    return fold


def _reported(now: RecipientState, event: Recorded) -> RecipientState:
    """A report came back. It is about what another server accepted; what has failed or waits here
    it cannot change, whoever wrote it."""
    if not now.is_accepted:
        return now
    action = _word(event.data, "action")
    if action == Action.FAILED:
        return replace(_said(now, event, State.RETURNED), tls=now.tls)
    if action == Action.DELAYED and now.state is State.DELIVERED:
        return replace(_said(now, event, State.DELAYED), tls=now.tls)
    if action == Action.DELIVERED:
        return replace(now, state=State.DELIVERED, at_us=event.at_us, is_confirmed=True)
    return now


_ONE: dict[str, Callable[[RecipientState, Recorded], RecipientState]] = {
    "local.delivered": _filed,
    # What its reader does with it then is not the sender's to know, until it is delivered.
    "quarantine.kept": lambda now, event: _said(now, event, State.HELD),
    "quarantine.restored": lambda now, event: _said(now, event, State.HELD),
    "queue.waiting": _waits,
    "outbound.delivered": _tried(State.DELIVERED),
    "outbound.deferred": _tried(State.DELAYED),
    "outbound.failed": _tried(State.FAILED),
    "bounce.received": _reported,
}


def _delivered_text(one: RecipientState) -> str:
    if not one.is_accepted:
        return "In the mailbox."
    way = f" over {one.tls.partition(' ')[0]}" if one.tls else " without encryption"
    arrived = " It reports that it is in the mailbox." if one.is_confirmed else ""
    return f"Accepted by {one.host}{way}.{arrived}"


def _waiting_text(one: RecipientState) -> str:
    if not one.next_at_us:
        return "Waits to be sent."
    at = datetime.fromtimestamp(one.next_at_us // 1_000_000, UTC)
    return f"Waits to be sent on {at:%Y-%m-%d at %H:%M} UTC."


def _delayed_text(one: RecipientState) -> str:
    why = cause_of(one.status).why if one.status else ""
    return f"Not delivered yet, it is tried again. {why}".rstrip()


def _failed_text(one: RecipientState) -> str:
    cause = cause_of(one.status)
    return f"Not delivered. {cause.why} {cause.advice}"


_SENTENCES: dict[State, Callable[[RecipientState], str]] = {
    State.DELIVERED: _delivered_text,
    State.CANCELLED: lambda _: "Cancelled before it was sent.",
    State.DELETED: lambda _: "Deleted by an administrator.",
    State.WAITING: _waiting_text,
    State.DELAYED: _delayed_text,
    State.HELD: lambda _: "Held: an administrator must look at it.",
    State.RETURNED: _failed_text,
    State.FAILED: _failed_text,
}
