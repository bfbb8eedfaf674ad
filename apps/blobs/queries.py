"""Reads of blobs.

Whatever comes back has been checked: by SHA-256 what is read as a whole or lies in the row, and a
part of an object by the CRC-32 of each frame that it touches.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from apps.blobs.backends.contract import MissingObjectError
from apps.blobs.encoding import (
    FRAME,
    BrokenEncodingError,
    FrameIndex,
    decode_frames,
    decompress,
)
from apps.blobs.models import Blob, Codec
from apps.blobs.storage import backend, id_of
from apps.runtime.seldom import Once
from apps.wire.errors import Damaged, StorageUnavailable

logger = logging.getLogger(__name__)
_once: Final = Once(logger)

CHUNK: Final = 500  # ids in one query
_COLUMNS: Final = "id, sha256, size, codec, inline, key, frames"
_ONE: Final = f"SELECT {_COLUMNS} FROM blobs_blob WHERE id = %s"
_MANY: Final = f"SELECT {_COLUMNS} FROM blobs_blob WHERE id IN "


class Trouble(NamedTuple):
    """Why bytes cannot be had: `missing` or `damaged`, and what exactly."""

    kind: str
    detail: str


class Stored:
    """A blob's row, from which its bytes can be had."""

    __slots__ = ("_codec", "_frames", "_id", "_inline", "_key", "_sha256", "size")

    def __init__(self, row: Sequence[Any]) -> None:
        self._id: UUID | str
        self.size: int
        self._codec: int
        self._inline: bytes | None
        self._key: str
        (
            self._id,
            self._sha256,
            self.size,
            self._codec,
            self._inline,
            self._key,
            self._frames,
        ) = row

    @property
    def id(self) -> UUID:
        """The blob's id."""
        return self._id if isinstance(self._id, UUID) else UUID(self._id)

    @property
    def is_inline(self) -> bool:
        """Whether the row holds the bytes."""
        return self._codec != Codec.FRAMES

    def whole(self) -> bytes:
        """All bytes. Raises Damaged if they are not those that were written, StorageUnavailable if
        the store is away."""
        with self._told():
            return self._whole()

    def part(self, start: int, end: int) -> bytes:
        """Bytes `start` to `end` (exclusive), cut to what there is. Raises Damaged."""
        with self._told():
            return self._part(max(start, 0), min(end, self.size))

    def looked_at(self) -> bytes | Trouble:
        """All bytes, or why they cannot be had: for whoever looks for that."""
        try:
            return self._whole()
        except MissingObjectError:
            return Trouble("missing", f"object {self._key} is not there")
        except (BrokenEncodingError, TypeError, ValueError) as error:
            return Trouble("damaged", str(error))

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except MissingObjectError:
            if not backend().has_any():  # of all objects, so it is no damage of this one
                raise StorageUnavailable("blob store: it is empty") from None
            detail = f"object {self._key} is missing"
        except (BrokenEncodingError, TypeError, ValueError) as error:  # the last two: of a bad row
            detail = str(error)
        else:
            return
        # The peer reads that the administrator has been told: this is the telling. Who searches
        # meets it again and again.
        told = {"blob": str(self.id), "detail": detail}
        _once.error("a stored message is damaged", (self.id, detail), told)
        raise Damaged(f"blob {self.id}: {detail}")

    def _whole(self) -> bytes:
        if self._codec != Codec.FRAMES:
            return self._from_row()
        return self._checked(self._from_object(0, self.size))

    def _part(self, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        if self._codec != Codec.FRAMES:
            return self._from_row()[start:end]
        return self._from_object(start, end)

    def _checked(self, raw: bytes) -> bytes:
        if len(raw) != self.size or hashlib.sha256(raw).digest() != bytes(self._sha256):
            raise BrokenEncodingError("the checksum is another one")
        return raw

    def _from_row(self) -> bytes:
        inline = bytes(self._inline or b"")
        return self._checked(decompress(inline, self.size) if self._codec == Codec.ZSTD else inline)

    def _from_object(self, start: int, end: int) -> bytes:
        index = FrameIndex.unpack(bytes(self._frames))
        frames = index.cover(start, end)
        if not frames:
            raise BrokenEncodingError("the frame index is too short")
        stored = backend().read(self._key, index.starts[frames.start], index.starts[frames.stop])
        raw = decode_frames(stored, index, frames, self.size)
        base = frames.start * FRAME
        return raw[start - base : end - base]


def read(blob_id: UUID) -> bytes:
    """All bytes of a blob; one query.

    Raises:
        Damaged: no such blob, its object is missing, or its checksum is another one.
        StorageUnavailable: the object store does not answer.
    """
    return find(blob_id).whole()


def read_range(blob_id: UUID, start: int, end: int) -> bytes:
    """Bytes `start` to `end` (exclusive), cut to what there is; reads no more frames than needed.

    Raises: as `read`.
    """
    return find(blob_id).part(start, end)


def read_many(ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """The bytes of each blob; one query per 500. A damaged or missing one is left out."""
    found = {}
    for stored in find_many(ids):
        try:
            found[stored.id] = stored.whole()
        except Damaged:
            continue
    return found


def find(blob_id: UUID) -> Stored:
    """The row of one blob. Raises Damaged if there is none: whoever asks has a reference to it."""
    with connection.cursor() as cursor:
        cursor.execute(_ONE, [blob_id.hex])
        row = cursor.fetchone()
    if row is None:
        raise Damaged(f"blob {blob_id}: the row is missing")
    return Stored(row)


def find_many(ids: Sequence[UUID]) -> Iterator[Stored]:
    """The rows of those blobs that exist, in no order."""
    for first in range(0, len(ids), CHUNK):
        chunk = ids[first : first + CHUNK]
        with connection.cursor() as cursor:
            cursor.execute(f"{_MANY}({','.join(['%s'] * len(chunk))})", [one.hex for one in chunk])
            rows = cursor.fetchall()
        yield from map(Stored, rows)


def without_row(keys: Sequence[str]) -> list[str]:
    """Those keys of objects that no blob has; one query."""
    ids = {key: id_of(key) for key in keys}
    known = set(
        Blob.objects.filter(
            id__in=[one for one in ids.values() if one], codec=Codec.FRAMES
        ).values_list("id", flat=True)
    )
    return [key for key, one in ids.items() if one not in known]
