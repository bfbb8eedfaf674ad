"""Which events the index has not read yet, and up to where all of them are known."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from apps.runtime.unbroken import Log

_EVENTS: Final = Log("trace_traceevent", "trace_id")


@dataclass(frozen=True, slots=True)
class Unread:
    """Some events.

    Args:
        traces: those that they are of, each once.
        last_id: of the last of them; none with a lesser id will appear.
        events: how many.
        is_all: nothing stands after them, and they wait for nobody.
    """

    traces: list[UUID]
    last_id: int
    events: int
    is_all: bool


def after(event_id: int, most: int, patience: float = 0.0) -> Unread:
    """The next events.

    Args:
        most: how many at the most.
        patience: seconds to wait for transactions that may fill a gap.
    """
    rows, is_all = _EVENTS.after(event_id, most, patience)
    traces = [trace if isinstance(trace, UUID) else UUID(trace) for _, trace in rows]
    last = rows[-1][0] if rows else event_id
    return Unread(list(dict.fromkeys(traces)), last, len(rows), is_all)
