"""What became of each recipient of a message: its events, in their order, folded. Pure.

An event about the message as a whole touches everybody who is not settled. It is noted once and
looked up where a recipient is asked for, so that a message with thousands of recipients costs no
more than its events and its recipients together.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from apps.delivery.recorder.reading import Data, address, addresses, data_of, pairs, word
from apps.mime.dsn import Action
from apps.trace import queries as traces
from apps.trace.models import Outcome
from apps.trace.queries import Recorded

OPEN: Final = frozenset((Outcome.WAITING, Outcome.DEFERRED, Outcome.HELD))
FULL: Final = "full"
_MAILBOX_FULL: Final = frozenset({"4.2.2", "5.2.2"})


@dataclass(frozen=True, slots=True)
class Fate:
    """Where one recipient stands.

    Args:
        address: the final one; `written` the one that the envelope named.
        kind, data: of the event that made it so; `at_us` when, Unix microseconds.
        released: who let it go from quarantine, "" if it was not there.
        is_away: its copy goes, or went, to another server.
        is_accepted: that one has taken it.
    """

    address: str
    written: str
    outcome: Outcome
    kind: str
    data: Data
    at_us: int
    released: str = ""
    is_away: bool = False
    is_accepted: bool = False
    place: int = 0  # of the event, among all

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done about it."""
        return self.outcome in OPEN


_Change = Callable[[Fate, Data], dict[str, Any]]


@dataclass(slots=True)
class Fates:
    """The recipients of a message while its events are read.

    Args:
        whole: what is known of the message if it names no recipient.
    """

    whole: Fate | None = None
    _found: dict[str, Fate] = field(default_factory=dict)
    _finals: dict[str, list[str]] = field(default_factory=dict)  # by the address as written
    _place: int = 0
    _latest: Fate | None = None  # the last event on all who are open
    _closing: list[Fate] = field(default_factory=list)  # those of them that settled everybody

    def take(self, event: Recorded) -> None:
        """Read the next event."""
        self._place += 1
        kind, data = event.kind, data_of(event)
        if kind.endswith(traces.RECEIVED) and "queue_id" in data:
            self._begin(event, data)
        elif kind.endswith(traces.REFUSED):
            self._refuse(event, data)
        elif kind in _WHOLE:
            self._touch_open(event, data)
        elif kind in _ONE:
            self._touch(event, data)
        elif kind == _LIMITED and self.whole is None:
            self.whole = self._new("", "", Outcome.PUT_OFF, event, data)

    def result(self) -> list[Fate]:
        """Where everybody stands, in the order in which they were named."""
        found = [self._now(one) for one in self._found.values()]
        return found or ([] if self.whole is None else [self.whole])

    def _begin(self, event: Recorded, data: Data) -> None:
        members = pairs(data.get("members"))
        stand_for = set(members.values())
        named = {one: one for one in addresses(data.get("to")) if one not in stand_for} | members
        for final, written in named.items():
            # What became of it may stand before, where clocks of several hosts differ.
            if final not in self._found or self._found[final].outcome in _NOT_TAKEN:
                self._put(self._new(final, written, Outcome.WAITING, event, data))

    def _refuse(self, event: Recorded, data: Data) -> None:
        outcome = _of_refusal(data)
        written = addresses(data.get("to"))
        if not written:
            self.whole = self._new("", "", outcome, event, data)
        for one in written:
            known = [self._now(self._found[final]) for final in self._finals.get(one, ())]
            if not known:
                self._put(self._new(one, one, outcome, event, data))
            # Refusals of a door are written a little later than what it took: who is known here
            # was taken after all, unless it is the whole message that is refused at its end.
            for fate in known:
                if fate.is_open and word(data, "stage", 10) not in _BEFORE_TEXT:
                    self._put(self._changed(fate, outcome, event, data))

    def _touch_open(self, event: Recorded, data: Data) -> None:
        if "to" in data:
            fate = self._of(event, data)
            if fate.is_open:
                self._put(self._changed(fate, _WHOLE[event.kind], event, data))
            return
        self._latest = self._new("", "", _WHOLE[event.kind], event, data)
        if not self._latest.is_open:
            self._closing.append(self._latest)

    def _touch(self, event: Recorded, data: Data) -> None:
        fate = self._of(event, data)
        changes = _ONE[event.kind](fate, data)
        if changes:
            changed = self._changed(fate, changes.pop("outcome"), event, data)
            self._put(replace(changed, **changes))

    def _of(self, event: Recorded, data: Data) -> Fate:
        """Whom an event names. The one that begins a trace does not name all of a large alias."""
        to = address(data.get("to"))
        if to in self._found:
            return self._now(self._found[to])
        written = address(data.get("original")) or to
        return self._new(to, written, Outcome.WAITING, event, data)

    def _put(self, fate: Fate) -> None:
        if not fate.address:
            return
        if fate.address not in self._found:
            self._finals.setdefault(fate.written, []).append(fate.address)
        self._found[fate.address] = fate

    def _now(self, fate: Fate) -> Fate:
        """With what was said of everybody since."""
        if not fate.is_open:
            return fate
        at = bisect_right(self._closing, fate.place, key=lambda one: one.place)
        later = self._closing[at] if at < len(self._closing) else self._latest
        if later is None or later.place <= fate.place:
            return fate
        return replace(
            fate,
            outcome=later.outcome,
            kind=later.kind,
            data=later.data,
            at_us=later.at_us,
            place=later.place,
        )

    def _new(self, final: str, written: str, outcome: Outcome, event: Recorded, data: Data) -> Fate:
        return Fate(final, written, outcome, event.kind, data, event.at_us, place=self._place)

    def _changed(self, fate: Fate, outcome: Outcome, event: Recorded, data: Data) -> Fate:
        return replace(
            fate,
            outcome=outcome,
            kind=event.kind,
            data=data,
            at_us=event.at_us,
            place=self._place,
        )


def status_of(data: Data) -> str:
    """The enhanced status code of what was answered, "" if it has none."""
    if found := word(data, "status", 12):
        return found
    parts = word(data, "reply", 40).split(" ", 2)
    has_code = len(parts) > 1 and parts[1][:1] in ("2", "4", "5") and parts[1].count(".") == 2
    return parts[1] if has_code else ""


def is_full(data: Data) -> bool:
    """Whether a refusal is about a mailbox that is full."""
    return word(data, "cause", 20) == FULL or status_of(data) in _MAILBOX_FULL


def _of_refusal(data: Data) -> Outcome:
    """A full mailbox is asked to come back by its code, and stays full until somebody sees it."""
    is_for_now = word(data, "reply", 4).startswith("4") and not is_full(data)
    return Outcome.PUT_OFF if is_for_now else Outcome.REFUSED


_LIMITED: Final = "submission.limited"
_NOT_TAKEN: Final = frozenset((Outcome.REFUSED, Outcome.PUT_OFF))
_BEFORE_TEXT: Final = frozenset({"mail", "rcpt"})

# What a kind of event makes of everybody who is not settled, or of the one that it names.
_WHOLE: Final[Mapping[str, Outcome]] = {
    "queue.held": Outcome.HELD,
    "queue.put_off": Outcome.DEFERRED,
    "queue.retried": Outcome.WAITING,
    "queue.hastened": Outcome.WAITING,
    "queue.released": Outcome.WAITING,
    "queue.rescheduled": Outcome.WAITING,
    "queue.deleted": Outcome.DELETED,
    "queue.cancelled": Outcome.CANCELLED,
    "mx.withdrawn": Outcome.PUT_OFF,
}


def _filed(_: Fate, data: Data) -> dict[str, Any]:
    return {"outcome": Outcome.JUNK if "junk" in data else Outcome.DELIVERED}


def _kept(_: Fate, data: Data) -> dict[str, Any]:
    return {"outcome": Outcome.QUARANTINED, "released": ""}


def _let_go(_: Fate, data: Data) -> dict[str, Any]:
    return {"outcome": Outcome.WAITING, "released": word(data, "by", 100) or "?"}


def _thrown_away(_fate: Fate, _data: Data) -> dict[str, Any]:
    return {"outcome": Outcome.DELETED}


def _waits(fate: Fate, data: Data) -> dict[str, Any]:
    """It was processed, and goes to another server. What happened there meanwhile counts more."""
    if fate.outcome is not Outcome.WAITING:
        return {}
    return {"outcome": Outcome.WAITING, "is_away": True}


def _tried(outcome: Outcome) -> _Change:
    def change(_: Fate, data: Data) -> dict[str, Any]:
        accepted = outcome is Outcome.DELIVERED
        return {"outcome": outcome, "is_away": True, "is_accepted": accepted}

    return change


def _reported(fate: Fate, data: Data) -> dict[str, Any]:
    """A report came back. Anybody can write one: it tells of what another server has taken, and
    changes nothing else."""
    action = word(data, "action", 20)
    if not fate.is_accepted or action not in _REPORTED:
        return {}
    return {"outcome": _REPORTED[action]}


_REPORTED: Final = {
    Action.FAILED.value: Outcome.BOUNCED,
    Action.DELAYED.value: Outcome.DEFERRED,
    Action.DELIVERED.value: Outcome.DELIVERED,
}

_ONE: Final[Mapping[str, _Change]] = {
    "local.delivered": _filed,
    "quarantine.kept": _kept,
    "quarantine.restored": _kept,
    "quarantine.released": _let_go,
    "quarantine.deleted": _thrown_away,
    "quarantine.expired": _thrown_away,
    "queue.waiting": _waits,
    "outbound.delivered": _tried(Outcome.DELIVERED),
    "outbound.deferred": _tried(Outcome.DEFERRED),
    "outbound.failed": _tried(Outcome.BOUNCED),
    "bounce.received": _reported,
}
