"""The write door of blobs: prepare, insert, discard. Reading is here too, for callers' convenience.

`prepare` runs before the transaction: it hashes, compresses, and writes large bytes as a durable object. `insert` runs inside the
transaction that names the blob. If that transaction fails, `discard` removes the object; if the process dies
in between, the sweep of `collection` finds it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.blobs.encoding import FRAME, INLINE_MAX, compress, encode_frames
from apps.blobs.models import Codec
from apps.blobs.queries import read, read_many, read_range
from apps.blobs.storage import backend
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows
from apps.runtime.ulid import new_ulid

__all__ = ["PreparedBlob", "discard", "insert", "prepare", "read", "read_many", "read_range"]

_INSERT = ManyRows(
    "INSERT INTO blobs_blob (id, sha256, size, codec, inline, key, frames, created_at)",
    "uuid bytea bigint smallint bytea text bytea bigint",
)


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
    # The id's random half first: keys fan out over folders and S3 partitions, and none can be guessed.
    key = blob_id.hex[::-1]
    backend().write(key, stored)
    return PreparedBlob(blob_id, digest, len(raw), int(Codec.FRAMES), None, key, frames)


def insert(blobs: Sequence[PreparedBlob]) -> None:
    """Insert the rows, within the caller's transaction."""
    at = now()
    _INSERT.write(
        [(b.id.hex, b.sha256, b.size, b.codec, b.inline, b.key, b.frames, at) for b in blobs]
    )


def discard(blob: PreparedBlob) -> None:
    """Remove the object of a blob whose transaction failed for certain (not: whose outcome is unknown)."""
    if blob.key:
        backend().remove([blob.key])
