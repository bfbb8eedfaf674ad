"""The write door of verdicts: kept with all they were computed from, in the transaction that acts
upon them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.mime.derive import message_id
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows
from apps.scan import engine, record
from apps.scan.base import Action, Case
from apps.scan.deeds import Deed
from apps.scan.verdict import Opinion, Verdict

KEEP_DAYS: Final = 30
"""For which a verdict outlives the last copy of its message."""
MESSAGE_ID_LENGTH: Final = 500
PRUNE_ROWS: Final = 1_000
"""Of one transaction: some milliseconds, so that mail never waits behind housekeeping."""
_DAY: Final = 86_400

_KEEP = ManyRows(
    "INSERT INTO scan_scanned (id, trace_id, message_id, source, at, points, action,"
    " engine, look_at, data, deeds)",
    "uuid uuid text uuid bigint float8 smallint text bigint bytea text",
    # Mail that an administrator puts back to work is judged again.
    "ON CONFLICT (id) DO UPDATE SET points = excluded.points, action = excluded.action,"
    " engine = excluded.engine, data = excluded.data, deeds = excluded.deeds",
)

_DUE = "SELECT id FROM scan_scanned WHERE look_at < %s ORDER BY look_at LIMIT %s"
_SOMEWHERE = """(
  EXISTS (SELECT 1 FROM mailstore_message m WHERE m.trace_id = scan_scanned.trace_id)
  OR EXISTS (SELECT 1 FROM scan_quarantined q
    WHERE q.trace_id = scan_scanned.trace_id AND q.state = 'kept')
  OR EXISTS (SELECT 1 FROM mailqueue_queuedmessage w WHERE w.id = scan_scanned.id))"""
_POSTPONE = f"UPDATE scan_scanned SET look_at = %s WHERE id IN ({_DUE}) AND {_SOMEWHERE}"  # noqa: S608 - constants
_PRUNE = f"DELETE FROM scan_scanned WHERE id IN ({_DUE}) AND NOT {_SOMEWHERE}"  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Keeping:
    """A verdict ready to be written; `models.Scanned` tells of the columns."""

    id: UUID
    trace_id: UUID
    message_id: str
    source: UUID
    at: int
    points: float
    action: Action
    engine: str
    data: bytes


def prepare(case: Case, verdict: Verdict, *, blob_id: UUID) -> Keeping:
    """Make a row, outside of any transaction: packing is work."""
    opinions = verdict.opinions.values() or (Opinion(),)
    return Keeping(
        case.id,
        case.trace_id,
        "" if case.unscannable else _told(message_id(case.letter.header)),
        blob_id,
        case.received_at_us,
        max(one.points for one in opinions),
        max(one.action for one in opinions),
        engine.fingerprint(),
        record.pack(record.record_of(case, verdict)),
    )


def keep(rows: Sequence[tuple[Keeping, Sequence[Deed]]]) -> None:
    """Write verdicts with what was done, within the caller's transaction: the one that does it."""
    _KEEP.write(
        [
            (
                one.id.hex,
                one.trace_id.hex,
                one.message_id,
                one.source.hex,
                one.at,
                one.points,
                int(one.action),
                one.engine,
                one.at // 1_000_000 + KEEP_DAYS * _DAY,
                one.data,
                json.dumps([asdict(deed) for deed in deeds]),
            )
            for one, deeds in rows
        ]
    )


def prune() -> int:
    """Remove the verdicts of messages that are nowhere any more, KEEP_DAYS after they came at the
    earliest; return how many. Those of others are looked at again as many days later."""
    total = 0
    while True:
        now_s = now()
        page = [now_s, PRUNE_ROWS]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_POSTPONE, [now_s + KEEP_DAYS * _DAY, *page])
            moved = int(cursor.rowcount)
            cursor.execute(_PRUNE, page)
            removed = int(cursor.rowcount)
        total += removed
        if moved + removed < PRUNE_ROWS:
            return total


def _told(text: str) -> str:
    """As a text column of Postgres takes it."""
    return text[:MESSAGE_ID_LENGTH].encode("utf-8", "replace").decode().replace("\0", "?")
