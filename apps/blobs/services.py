"""The write door of blobs: prepare, insert, discard, collect. Reads are offered here too.

`prepare` runs before the transaction: it hashes, compresses, and writes large bytes as a durable
object. `insert` runs inside the transaction that names the blob. If that transaction fails,
`discard` removes the object; if the process dies in between, `collect` finds it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.blobs.encoding import FRAME, INLINE_MAX, compress, encode_frames
from apps.blobs.models import Codec, Hold
from apps.blobs.queries import read, read_many, read_range, without_row
from apps.blobs.referrers import unreferenced
from apps.blobs.storage import backend, key_of
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows
from apps.runtime.ulid import new_ulid

__all__ = [
    "PreparedBlob",
    "as_uuid",
    "collect",
    "discard",
    "hold",
    "insert",
    "prepare",
    "read",
    "read_many",
    "read_range",
    "release",
    "rewrite",
]

PAGE: Final = 500  # blobs of one transaction of `collect`
SWEEPS: Final = 24  # runs of `collect` in which the whole store is swept once

_INSERT = ManyRows(
    "INSERT INTO blobs_blob (id, sha256, size, codec, inline, key, frames, created_at)",
    "uuid bytea bigint smallint bytea text bytea bigint",
    # LMTP makes a message per recipient of one blob, and they may be written in several batches.
    "ON CONFLICT (id) DO NOTHING",
)
_REWRITE: Final = """
UPDATE blobs_blob SET size = %s, codec = %s, key = %s, frames = %s WHERE id = %s"""
# Candidates only: whoever deletes looks again. Without a lock, and by key, so that a page is one
# short walk of an index.
_PAGE = f"""
SELECT id FROM blobs_blob WHERE created_at < %s AND id > %s AND {unreferenced()}
ORDER BY id LIMIT %s"""


@dataclass(frozen=True, slots=True)
class PreparedBlob:
    """Bytes ready to be named by a row.

    Args:
        size: decoded bytes.
        inline: what the row holds, or None when `key` names an object that is already durable.
        frames: the object's packed frame index.
    """

    id: UUID
    sha256: bytes
    size: int
    codec: int
    inline: bytes | None
    key: str = ""
    frames: bytes = b""


def prepare(raw: bytes) -> PreparedBlob:
    """Make bytes ready, outside any transaction; a large one is written to the object store here.

    Raises:
        StorageFull: no space for the object.
        StorageUnavailable: the object store does not answer.
    """
    blob_id, digest = new_ulid(), hashlib.sha256(raw).digest()
    if len(raw) <= FRAME:
        stored, compressed = compress(raw)
        if len(stored) <= INLINE_MAX:
            codec = Codec.ZSTD if compressed else Codec.RAW
            return PreparedBlob(blob_id, digest, len(raw), int(codec), stored)
    stored, frames = encode_frames(raw)
    key = key_of(blob_id)
    backend().write(key, stored)
    return PreparedBlob(blob_id, digest, len(raw), int(Codec.FRAMES), None, key, frames)


def insert(blobs: Sequence[PreparedBlob]) -> None:
    """Insert the rows, within the caller's transaction; one that is there already stays."""
    at = now()
    _INSERT.write(
        [(b.id.hex, b.sha256, b.size, b.codec, b.inline, b.key, b.frames, at) for b in blobs]
    )


def rewrite(blob: PreparedBlob) -> bool:
    """Correct the row of a blob whose bytes are right, within a transaction of its own; false if
    there is no such row."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REWRITE, [blob.size, blob.codec, blob.key, blob.frames, blob.id.hex])
        return bool(cursor.rowcount)


def discard(blob: PreparedBlob) -> None:
    """Remove the object of a blob whose transaction failed for certain (not: whose outcome is
    unknown)."""
    if blob.key:
        backend().remove([blob.key])


def collect(grace_hours: int = 24) -> int:
    """Remove blobs that no row names, and objects that no blob names; returns how many went.

    Only what is older than `grace_hours` goes: a message whose transaction has not committed yet
    has its object already. Nothing goes while somebody holds (`hold`). The rows go first, each page
    in a transaction of its own that looks again; an object whose removal was cut off is found by a
    later sweep of the store. A twenty-fourth of the store is swept each hour.
    """
    before = now() - grace_hours * 3600
    return _collect_rows(before) + _sweep_objects(before, now() // 3600 % SWEEPS)


def release(ids: Sequence[UUID]) -> int:
    """Remove those of these blobs that no row names, before `collect` would; returns how many.

    For whoever has committed the deletion of what named them, long after it was made: no running
    transaction may be about to name them again. While somebody holds nothing goes.
    """
    total = 0
    for first in range(0, len(ids), PAGE):
        with transaction.atomic():
            keys = [] if _is_held() else _delete_unreferenced(ids[first : first + PAGE])
        backend().remove([key for key in keys if key])
        total += len(keys)
    return total


@contextmanager
def hold(reason: str, hours: int = 24) -> Iterator[None]:
    """Within: nothing is collected, in any process. A backup copies rows first and objects after.

    Args:
        hours: the hold ends by itself after this time: a holder that was killed must not fill the
            disk.
    """
    made = Hold.objects.create(reason=reason[:100], until=now() + hours * 3600)
    try:
        yield
    finally:
        made.delete()


def _collect_rows(before: int) -> int:
    total, after = 0, UUID(int=0)
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            if _is_held():
                return total
            cursor.execute(_PAGE, [before, after.hex, PAGE])
            page = [as_uuid(row[0]) for row in cursor.fetchall()]
            if not page:
                return total
            keys = _delete_unreferenced(page)
        total, after = total + len(keys), page[-1]
        # Only now that no row can name them any more.
        backend().remove([key for key in keys if key])


def _delete_unreferenced(page: Sequence[UUID]) -> list[str]:
    """Delete those that no row names, within the caller's transaction; the keys of their objects,
    empty for what had none."""
    marks = ",".join(["%s"] * len(page))
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM blobs_blob WHERE id IN ({marks}) AND {unreferenced()} RETURNING key",
            [one.hex for one in page],
        )
        return [row[0] for row in cursor.fetchall()]


def _sweep_objects(before: int, turn: int) -> int:
    """Objects without a row: their transaction failed, or a process died. `turn` picks folders."""
    total = 0
    for folder in range(turn, 256, SWEEPS):
        found = [key for key, at in backend().walk(f"{folder:02x}") if at < before]
        for first in range(0, len(found), PAGE):
            stray = without_row(found[first : first + PAGE])
            if stray and not _is_held():
                backend().remove(stray)
                total += len(stray)
    return total


def _is_held() -> bool:
    return Hold.objects.filter(until__gt=now()).exists()


def as_uuid(value: UUID | str) -> UUID:
    """An id as it comes from a cursor: Postgres gives UUIDs, SQLite their 32 hexadecimal digits."""
    return value if isinstance(value, UUID) else UUID(value)
