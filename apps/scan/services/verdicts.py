"""The write door of verdicts: kept with all they were computed from, in the transaction that acts
upon them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from apps.mime.derive import message_id
from apps.mime.headers import scan
from apps.runtime.rows import ManyRows
from apps.scan import engine, record
from apps.scan.base import Action, Case
from apps.scan.deeds import Deed
from apps.scan.record import Record
from apps.scan.verdict import Opinion, Verdict

KEEP_DAYS: Final = 30
"""For which a verdict outlives the last copy of its message."""
MESSAGE_ID_LENGTH: Final = 500
_DAY: Final = 86_400

_KEEP = ManyRows(
    "INSERT INTO scan_scanned (id, trace_id, message_id, source, at, points, action,"
    " engine, look_at, data, deeds)",
    "uuid uuid text uuid bigint float8 smallint text bigint bytea text",
    # Mail that an administrator puts back to work is judged again.
    "ON CONFLICT (id) DO UPDATE SET points = excluded.points, action = excluded.action,"
    " engine = excluded.engine, data = excluded.data, deeds = excluded.deeds",
)


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
    data: bytes


def prepare(case: Case, verdict: Verdict, *, blob_id: UUID) -> Keeping:
    """Make a row, outside of any transaction: packing is work."""
    opinions = verdict.opinions.values() or (Opinion(),)
    return Keeping(
        case.id,
        case.trace_id,
        _told(message_id(scan(case.raw))),
        blob_id,
        case.received_at_us,
        max(one.points for one in opinions),
        max(one.action for one in opinions),
        record.pack(Record(case, verdict)),
    )


def keep(rows: Sequence[tuple[Keeping, Sequence[Deed]]]) -> None:
    """Write verdicts with what was done, within the caller's transaction: the one that does it."""
    name = engine.fingerprint()
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
                name,
                one.at // 1_000_000 + KEEP_DAYS * _DAY,
                one.data,
                json.dumps([asdict(deed) for deed in deeds]),
            )
            for one, deeds in rows
        ]
    )


def _told(text: str) -> str:
    """As a text column of Postgres takes it."""
    return text[:MESSAGE_ID_LENGTH].encode("utf-8", "replace").decode().replace("\0", "?")
