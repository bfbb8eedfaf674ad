"""What the trace is owed: that a message came.

A door that has many to take leaves the event in the row of the message: to write it there costs a
fraction of what a row of its own does, in the transaction for which the client waits. It is
recorded in the transaction that first does something with the message: the claim of a worker, which
takes many at once, or before that an administrator, a sender, or the door that withdraws it. So it
stands before all that follows, once, and is lost only with the message. Until then readers of the
trace are given it from here (`owed_of`).
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from apps.mailqueue.services.columns import marks, uuid_of
from apps.trace import services as trace
from apps.trace.queries import RECEIVED

# Claims only ever count up: what was claimed once is owed no more, and no worker has to say so.
OWED = "claims = 0 AND owed <> ''"
_OF = f"SELECT trace_id, door, received_at, owed FROM mailqueue_queuedmessage WHERE {OWED}"


def tell(ids: Sequence[UUID]) -> None:
    """Record what is owed of messages that are locked, in the caller's transaction."""
    if not ids:
        return
    these = f"id IN ({marks(ids)})"
    parameters = [one.hex for one in ids]
    with connection.cursor() as cursor:
        cursor.execute(f"{_OF} AND {these} ORDER BY id", parameters)
        events = [event(uuid_of(row[0]), *row[1:]) for row in cursor.fetchall()]
        if events:
            trace.record(events)
            cursor.execute(
                f"UPDATE mailqueue_queuedmessage SET owed = '' WHERE {these}", parameters
            )


def event(trace_id: UUID, door: str, received_at_us: int, owed: str) -> trace.Event:
    """The event of a row."""
    return trace.Event(trace_id, f"{door}{RECEIVED}", {}, received_at_us, owed)


def owed_of(trace_ids: Sequence[UUID]) -> list[tuple[UUID, int, str, str]]:
    """What is owed of these traces: trace, Unix microseconds, kind and data (JSON) of each event;
    one statement."""
    rows: list[tuple[Any, ...]] = []
    if trace_ids:
        with connection.cursor() as cursor:
            cursor.execute(
                f"{_OF} AND trace_id IN ({marks(trace_ids)}) ORDER BY id",
                [one.hex for one in trace_ids],
            )
            rows = cursor.fetchall()
    return [(uuid_of(row[0]), row[2], f"{row[1]}{RECEIVED}", row[3]) for row in rows]
