"""Blobs whose bytes are there while their row says something else of them, or is gone.

Of a row that is damaged (size, codec, key, frame index) the right values are found again by trying
what they can have been: the SHA-256 in the row proves which. An object without a row proves itself
only by its frames; whoever asks for that has to know more of its bytes. Reads only; a blob is in
memory as a whole.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

import zstandard

from apps.blobs.backends.contract import MissingObjectError
from apps.blobs.encoding import (
    FRAME,
    BrokenEncodingError,
    FrameIndex,
    decode_frames,
    decompress,
    packed_index,
)
from apps.blobs.models import Blob, Codec
from apps.blobs.services import PreparedBlob
from apps.blobs.storage import backend, key_of

# Objects are ours, and no larger than the largest message that any door takes.
_MOST: Final = 1 << 30


def reread(blob_id: UUID) -> PreparedBlob | None:
    """What the row of a blob has to be for its bytes to be those of its SHA-256; None if they
    cannot be had."""
    row = Blob.objects.filter(pk=blob_id).first()
    if row is None:
        return None
    digest = bytes(row.sha256)
    if row.inline is not None:
        readings = _inline(blob_id, bytes(row.inline))
    else:
        readings = _objects(blob_id, dict.fromkeys((row.key, key_of(blob_id))))
    return next((one for one in readings if one.sha256 == digest), None)


def from_object(blob_id: UUID) -> Iterator[tuple[PreparedBlob, bytes]]:
    """Rows that a blob that has none any more may have had, by its object, and its bytes by each;
    none without an object."""
    for one in _objects(blob_id, [key_of(blob_id)]):
        stored = backend().read(one.key, 0, _MOST)
        index = FrameIndex.unpack(one.frames)
        every = index.cover(0, one.size)
        yield one, decode_frames(stored, index, every, one.size)


def _inline(blob_id: UUID, stored: bytes) -> Iterator[PreparedBlob]:
    for codec, raw in ((Codec.RAW, stored), (Codec.ZSTD, _decoded(stored))):
        if raw is not None:
            digest = hashlib.sha256(raw).digest()
            yield PreparedBlob(blob_id, digest, len(raw), int(codec), stored)


def _objects(blob_id: UUID, keys: Iterable[str]) -> Iterator[PreparedBlob]:
    for key in keys:
        try:
            stored = backend().read(key, 0, _MOST)
        except MissingObjectError:
            continue
        for last_is_packed in (True, False):
            digest, size, frames = hashlib.sha256(), 0, []
            for frame, raw in _frames(stored, last_is_packed=last_is_packed):
                digest.update(raw)
                size += len(raw)
                frames.append(frame)
            index = packed_index(frames)
            yield PreparedBlob(blob_id, digest.digest(), size, int(Codec.FRAMES), None, key, index)


def _frames(stored: bytes, *, last_is_packed: bool) -> Iterator[tuple[bytes, bytes]]:
    """Each frame of an object as it lies there, and decoded.

    What is no zstd frame is one that was stored as it is; so is one of which only the beginning is
    a zstd frame, for all but the last hold `FRAME` bytes. The last may be either.
    """
    at = 0
    while at < len(stored):
        piece = stored[at : at + FRAME]
        length, raw = _first_frame(piece) or (len(piece), piece)
        is_last = at + length == len(stored)
        if len(raw) != FRAME and not (is_last and last_is_packed):
            length, raw = len(piece), piece
        yield piece[:length], raw
        at += length


def _first_frame(piece: bytes) -> tuple[int, bytes] | None:
    size = _content_size(piece)
    if size is None:
        return None
    # Made anew: an object that was cut off must not leave its state behind.
    decoder = zstandard.ZstdDecompressor().decompressobj()
    try:
        raw = decoder.decompress(piece)
    except zstandard.ZstdError:
        return None
    if not decoder.eof or len(raw) != size:
        return None
    return len(piece) - len(decoder.unused_data), raw


def _decoded(stored: bytes) -> bytes | None:
    size = _content_size(stored)
    if size is None:
        return None
    try:
        return decompress(stored, size)
    except BrokenEncodingError:
        return None


def _content_size(stored: bytes) -> int | None:
    """What a zstd frame says it holds; None if it is none of ours. Asked before a byte of it is
    decoded: a frame may say that it holds terabytes."""
    try:
        size = zstandard.frame_content_size(stored)
    except zstandard.ZstdError:
        return None
    return size if 0 <= size <= FRAME else None
