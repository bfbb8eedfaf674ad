"""The list of mail that may carry a report: noted when it is filed, read soon after.

Reading apart from delivery keeps both apart: a report that cannot be read, or that kills who reads
it, delays no mail and loses none.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.reports.models import Arrival
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows

logger = logging.getLogger(__name__)

MOST_WAITING: Final = 10_000
LEASE_SECONDS: Final = 300
TRIES_MAX: Final = 3
"""Readings that began and did not end: of the third, nobody comes back."""

_ADD: Final = ManyRows(
    "INSERT INTO reports_arrival"
    " (trace_id, blob_id, readers, sender, is_genuine, at, lease_until, tries)",
    "uuid uuid text text boolean bigint bigint int",
    "ON CONFLICT (trace_id) DO NOTHING",
)
_TAKE: Final = """
UPDATE reports_arrival SET lease_until = %s, tries = tries + 1 WHERE trace_id = (
  SELECT trace_id FROM reports_arrival WHERE lease_until <= %s ORDER BY lease_until, at LIMIT 1{})
RETURNING trace_id, blob_id, readers, sender, is_genuine, at, tries"""


@dataclass(frozen=True, slots=True)
class Arrived:
    """Mail that may carry a report; `models.Arrival` tells of the fields."""

    trace_id: UUID
    blob_id: UUID
    readers: tuple[int, ...]
    sender: str
    is_genuine: bool
    at: int
    tries: int = 0


def note_arrivals(batch: Sequence[Arrived]) -> None:
    """Note mail to be read, within the transaction that files it. Beyond MOST_WAITING nothing is
    noted: reports are welcome, mail that pretends to be one must not pile up."""
    if not batch:
        return
    if Arrival.objects.count() + len(batch) > MOST_WAITING:
        logger.warning("too many reports wait to be read", extra={"left_out": len(batch)})
        return
    _ADD.write(
        [
            (
                one.trace_id.hex,
                one.blob_id.hex,
                json.dumps(one.readers),
                one.sender[:253],
                one.is_genuine,
                one.at,
                0,
                0,
            )
            for one in batch
        ]
    )


def begin_reading() -> Arrived | None:
    """Take the next one, under a lease of LEASE_SECONDS; None if nothing waits. One that was begun
    too often is given up."""
    while (found := _take()) is not None:
        if found.tries <= TRIES_MAX:
            return found
        logger.error("a report cannot be read", extra={"trace_id": str(found.trace_id)})
        done_reading(found.trace_id)
    return None


def done_reading(trace_id: UUID) -> None:
    """Take it off the list."""
    Arrival.objects.filter(trace_id=trace_id).delete()


def _take() -> Arrived | None:
    locking = " FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE.format(locking), [now() + LEASE_SECONDS, now()])
        row = cursor.fetchone()
    if row is None:
        return None
    trace_id, blob_id, readers, sender, is_genuine, at, tries = row
    return Arrived(
        _uuid(trace_id),
        _uuid(blob_id),
        tuple(json.loads(readers)),
        sender,
        bool(is_genuine),
        at,
        tries,
    )


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
