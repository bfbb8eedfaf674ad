"""Events to what they come to; pure."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from apps.delivery.recorder.folded import Folded
from apps.trace import queries as traces
from apps.trace.models import Direction, Outcome
from apps.trace.queries import Recorded


def fold(trace_id: UUID, events: Sequence[Recorded]) -> Folded | None:
    """What these events, in their order, come to; None if they tell of no message of its own."""
    first = next((one for one in events if _begins(one)), None)
    if first is None:
        return None
    data: dict[str, Any] = first.data
    is_refused = first.kind.endswith(traces.REFUSED)
    return Folded(
        trace_id=trace_id,
        at_us=first.at_us,
        last_at_us=events[-1].at_us,
        direction=Direction.INCOMING,
        door=first.kind.partition(".")[0],
        sender=str(data.get("from", "")),
        written=tuple(map(str, data.get("to", ()))),
        finals=(),
        subject=str(data.get("subject", "")),
        message_id=str(data.get("message_id", "")),
        address=str(data.get("address", "")),
        helo=str(data.get("helo", "")),
        peer=str(data.get("helo", "")),
        hosts=(),
        size=int(data.get("size", 0)),
        points=None,
        outcome=Outcome.REFUSED if is_refused else Outcome.WAITING,
        cause="",
        took_us=None,
    )


def _begins(one: Recorded) -> bool:
    return one.kind.endswith((traces.RECEIVED, traces.REFUSED)) and "from" in one.data
