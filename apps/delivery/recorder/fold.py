"""Events to what they come to; pure, linear, and the same for a list as for a page.

Events may be of any version of ours, and strangers chose most of what stands in them: nothing here
raises, whatever it is.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final
from uuid import UUID

from apps.delivery.recorder.causes import Ground, one_line, worst_of
from apps.delivery.recorder.doors import OF_OTHERS, OF_USERS
from apps.delivery.recorder.fates import Fate, Fates
from apps.delivery.recorder.folded import Folded
from apps.delivery.recorder.reading import (
    Data,
    address,
    addresses,
    data_of,
    first,
    part,
    points,
    whole,
    word,
)
from apps.trace import queries as traces
from apps.trace.models import Direction, Outcome
from apps.trace.queries import Recorded

_LIMITED: Final = "submission.limited"
_HOST_MOST: Final = 255
_HOSTS_MOST: Final = 100


def fold(trace_id: UUID, events: Sequence[Recorded]) -> Folded | None:
    """What these events come to; None if they tell of no message of its own.

    Refusals of a door are written in the background: the order is that of their moments, and of
    those with the same moment the one in which they are given.
    """
    events = sorted(events, key=attrgetter("at_us"))
    begun = [one for one in events if _begins(one)]
    if not begun:
        return None
    fates = Fates()
    for one in events:
        fates.take(one)
    return _folded(trace_id, events, begun, fates.result())


def _folded(
    trace_id: UUID, events: Sequence[Recorded], begun: Sequence[Recorded], found: list[Fate]
) -> Folded:
    begins = [data_of(one) for one in begun]
    ground = _ground(begun, events)
    worst = worst_of(found)
    at_us = min(one.at_us for one in begun)
    written = _written(begins)
    hosts = _hosts(events)
    direction = _direction(ground.door, begins, found)
    peer = hosts[-1] if hosts and direction is Direction.OUTGOING else _name(begins, ground)
    return Folded(
        trace_id=trace_id,
        at_us=at_us,
        last_at_us=max(one.at_us for one in events),
        direction=direction,
        door=ground.door if ground.door in OF_USERS | OF_OTHERS else "",
        sender=first([address(one.get("from")) or address(one.get("account")) for one in begins]),
        written=written,
        finals=_finals(found, written),
        subject=first([word(one, "subject") for one in begins]),
        message_id=first([word(one, "message_id") for one in begins]),
        address=ground.client,
        helo=first([word(one, "helo", _HOST_MOST) for one in begins]),
        peer=peer,
        hosts=tuple(one for one in hosts if one != peer),
        size=max(whole(one.get("size")) for one in begins),
        points=points(ground.verdict.get("points")),
        outcome=Outcome.WAITING if worst is None else worst.outcome,
        cause=one_line(found, ground),
        took_us=_took(at_us, found),
        fates=tuple(found),
    )


def _begins(one: Recorded) -> bool:
    """A report that came back ends as what begins a message of our own does, and begins none."""
    if one.kind.endswith(traces.RECEIVED):
        return "queue_id" in data_of(one)
    return one.kind.endswith(traces.REFUSED) or one.kind == _LIMITED


def _ground(begun: Sequence[Recorded], events: Iterable[Recorded]) -> Ground:
    by_kind = {one.kind: data_of(one) for one in events}
    return Ground(
        door=begun[0].kind.partition(".")[0],
        client=first([word(data_of(one), "address", 45) for one in begun]),
        judgement=by_kind.get("reception.judged", {}),
        verdict=by_kind.get("scan.judged", {}),
    )


def _written(begins: Iterable[Data]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for data in begins for one in addresses(data.get("to"))))


def _finals(found: Iterable[Fate], written: tuple[str, ...]) -> tuple[str, ...]:
    named = set(written)
    return tuple(one.address for one in found if one.address and one.address not in named)


def _direction(door: str, begins: Iterable[Data], found: Sequence[Fate]) -> Direction:
    """What users send goes elsewhere until it is known that all of it stays here: `away` says so
    from the beginning, and what became of each of the recipients later."""
    if door in OF_OTHERS:
        return Direction.INCOMING
    away = [one["away"] for one in begins if type(one.get("away")) is int]
    if away:
        return Direction.OUTGOING if any(away) else Direction.INTERNAL
    if any(one.is_away for one in found):
        return Direction.OUTGOING
    is_settled = bool(found) and not any(one.is_open for one in found)
    return Direction.INTERNAL if is_settled or door not in OF_USERS else Direction.OUTGOING


def _name(begins: Iterable[Data], ground: Ground) -> str:
    """The client's name: the one that leads back to its address, or what it called itself."""
    iprev = part(part(ground.judgement.get("authentication")).get("iprev"))
    proved = word(iprev, "name", _HOST_MOST) if word(iprev, "result", 12) == "pass" else ""
    return proved or first([word(one, "helo", _HOST_MOST) for one in begins])


def _hosts(events: Iterable[Recorded]) -> list[str]:
    """The servers that were talked to, each where it was talked to last."""
    found: dict[str, None] = {}
    for one in events:
        if not one.kind.startswith("outbound."):
            continue
        if name := word(data_of(one), "host", _HOST_MOST):
            found.pop(name, None)
            found[name] = None
    return list(found)[-_HOSTS_MOST:]


def _took(at_us: int, found: Sequence[Fate]) -> int | None:
    if not found or any(one.is_open for one in found):
        return None
    return max(0, max(one.at_us for one in found) - at_us)
