"""The flight recorder's write door: record events in the caller's transaction, remove old ones."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.runtime.clock import now_us
from apps.runtime.rows import ManyRows

PRUNE_ROWS = (
    5_000  # per transaction: a few milliseconds, so that mail never waits behind housekeeping
)
KIND_LENGTH = 40
_DAY_US = 86_400 * 1_000_000

_INSERT = ManyRows(
    "INSERT INTO trace_traceevent (trace_id, at, kind, data)",
    "uuid bigint text text",
)
_PRUNE = """
DELETE FROM trace_traceevent WHERE id IN (
  SELECT id FROM trace_traceevent WHERE at < %s ORDER BY at LIMIT %s)"""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a message.

    Args:
        trace_id: the message's trace.
        kind: a dotted word, at most 40 characters (`smtp.received`, `local.delivered`).
        data: what else there is to know; JSON, never secrets.
        at_us: Unix microseconds; None is now.
    """

    trace_id: UUID
    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    at_us: int | None = None


def record(events: Sequence[Event]) -> None:
    """Write events, in order, within the caller's transaction: they exist if what they tell of
    does."""
    now = now_us()
    _INSERT.write([_row(event, now) for event in events])


def prune(older_than_days: int) -> int:
    """Remove events older than that, in small transactions; returns how many."""
    before = now_us() - older_than_days * _DAY_US
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_PRUNE, [before, PRUNE_ROWS])
            removed: int = cursor.rowcount
        total += removed
        if removed < PRUNE_ROWS:
            return total


def _row(event: Event, now: int) -> tuple[str, int, str, str]:
    # ASCII JSON: neither a lone surrogate nor U+0000 from a peer can reach a text column of
    # Postgres.
    data = json.dumps(event.data) if event.data else "{}"
    at = now if event.at_us is None else event.at_us
    return event.trace_id.hex, at, event.kind[:KIND_LENGTH], data
