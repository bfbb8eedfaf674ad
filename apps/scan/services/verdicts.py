"""The write door of verdicts: kept with all they were computed from, in the transaction that acts
upon them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from apps.mime.derive import message_id
from apps.mime.headers import scan
from apps.runtime.rows import ManyRows
from apps.scan import engine, record
from apps.scan.base import Action, Case
from apps.scan.record import Record
from apps.scan.verdict import Opinion, Verdict

KEEP_DAYS: Final = 30
"""For which a verdict outlives the last copy of its message."""
MESSAGE_ID_LENGTH: Final = 500
_DAY: Final = 86_400

_KEEP = ManyRows(
    "INSERT INTO scan_scanned (id, trace_id, message_id, source, at, points, action, is_refused,"
    " engine, look_at, data)",
    "uuid uuid text uuid bigint float8 smallint boolean text bigint bytea",
    # Mail that could not be judged at first (a scanner was away) is judged again.
    "ON CONFLICT (id) DO UPDATE SET points = excluded.points, action = excluded.action,"
    " is_refused = excluded.is_refused, engine = excluded.engine, data = excluded.data",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A verdict ready to be written; `models.Scanned` tells of the columns."""

    id: UUID
    trace_id: UUID
    message_id: str
    source: UUID
    at: int
    points: float
    action: Action
    data: bytes


def prepare(case: Case, verdict: Verdict, source: UUID) -> Row:
    """Make a row, outside of any transaction: packing is work.

    Args:
        source: the message's blob.
    """
    opinions = verdict.opinions.values() or (Opinion(),)
    return Row(
        case.id,
        case.trace_id,
        _told(message_id(scan(case.raw))),
        source,
        case.received_at_us,
        max(one.points for one in opinions),
        max(one.action for one in opinions),
        record.pack(Record(case, verdict)),
    )


def keep(rows: Sequence[Row], refused: Collection[UUID] = ()) -> None:
    """Write verdicts, within the caller's transaction, the one that delivers or refuses.

    Args:
        refused: the ids of those that are refused at the dot.
    """
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
                one.id in refused,
                name,
                one.at // 1_000_000 + KEEP_DAYS * _DAY,
                one.data,
            )
            for one in rows
        ]
    )


def _told(text: str) -> str:
    """As a text column of Postgres takes it."""
    return text[:MESSAGE_ID_LENGTH].encode("utf-8", "replace").decode().replace("\0", "?")
