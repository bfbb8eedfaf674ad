"""Which events the index has not read yet, and up to where all of them are known.

Postgres gives out ids when rows are written, and shows the rows when their transactions commit: a
lower id may appear after a greater one. So a gap among ids is gone round only when no transaction
is left that may still fill it. One that was rolled back leaves a gap for ever.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from apps.runtime.db import is_sqlite
from apps.runtime.rows import fetch

_STEP: Final = 0.02
_NEXT: Final = "SELECT id, trace_id FROM trace_traceevent WHERE id > %s ORDER BY id LIMIT %s"
_AGAIN: Final = (
    "SELECT id, trace_id FROM trace_traceevent WHERE id > %s AND id <= %s ORDER BY id LIMIT %s"
)
# Whoever has written to the table, or is about to, holds this lock until its end. One that has been
# open for more than a minute belongs to somebody who has gone.
_WRITERS: Final = """
SELECT DISTINCT l.virtualtransaction FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = 'trace_traceevent'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND l.pid <> pg_backend_pid() AND a.xact_start > now() - interval '1 minute'"""


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
    rows = fetch(_NEXT, [event_id, most])
    is_all = len(rows) < most
    if not is_sqlite() and rows and rows[-1][0] - event_id != len(rows):
        whole = _without_gaps(event_id, rows, most, patience)
        is_all = is_all and len(whole) >= len(rows)
        rows = whole
    traces = [trace if isinstance(trace, UUID) else UUID(trace) for _, trace in rows]
    last = rows[-1][0] if rows else event_id
    return Unread(list(dict.fromkeys(traces)), last, len(rows), is_all)


def _without_gaps(
    event_id: int, rows: Sequence[tuple[Any, ...]], most: int, patience: float
) -> list[tuple[Any, ...]]:
    if _have_ended(patience):
        # What they have written before they ended can be seen now.
        return fetch(_AGAIN, [event_id, rows[-1][0], most])
    return [row for place, row in enumerate(rows, event_id + 1) if row[0] == place]


def _have_ended(patience: float) -> bool:
    """Whether all transactions have ended that might fill a gap that was seen before."""
    until = time.monotonic() + patience
    waited = {name for (name,) in fetch(_WRITERS, [])}
    while waited and time.monotonic() < until:
        time.sleep(_STEP)
        waited &= {name for (name,) in fetch(_WRITERS, [])}
    return not waited
