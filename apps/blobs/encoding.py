"""How bytes become what is stored, and back. No I/O, no models.

Small bytes (at most one frame, and at most 32 KiB once compressed) are one run, compressed where
that helps. Everything else is a row of independent frames of 256 KiB: a range read decodes only the
frames it touches, and each frame carries a CRC-32, so that a partial read notices damage that only
a whole read could find by SHA-256. A frame that zstd cannot shrink is stored as it is (its stored
length equals its decoded length).
"""

import struct
import threading
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import zstandard

FRAME: Final = 256 * 1024  # decoded bytes of every frame but the last
INLINE_MAX: Final = 32 * 1024  # compressed bytes that may live in the row
LEVEL: Final = (
    1  # 390 MB/s; higher levels cost more CPU than the disk they save is worth at delivery
)
# Below this share of the original, compression is worth the CPU that every later read pays.
WORTHWHILE: Final = 0.95
_ENTRY: Final = struct.Struct("<II")  # stored length, CRC-32 of the stored bytes

# zstandard's contexts are expensive to make and not safe to share between threads.
_contexts = threading.local()


class BrokenEncodingError(ValueError):
    """The stored bytes are not what was written."""


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Where each frame of an object lies: `starts[i]` to `starts[i + 1]`, and its checksum."""

    starts: tuple[int, ...]
    checksums: tuple[int, ...]

    @classmethod
    def unpack(cls, packed: bytes) -> "FrameIndex":
        """Raises BrokenEncodingError for what `pack` did not make."""
        if len(packed) % _ENTRY.size:
            raise BrokenEncodingError("frame index has a bad length")
        starts, checksums = [0], []
        for length, checksum in _ENTRY.iter_unpack(packed):
            starts.append(starts[-1] + length)
            checksums.append(checksum)
        return cls(tuple(starts), tuple(checksums))

    @property
    def stored_size(self) -> int:
        """Bytes of the whole object."""
        return self.starts[-1]

    def cover(self, start: int, end: int) -> range:
        """The frames that hold the decoded bytes from `start` to `end` (exclusive)."""
        if start >= end:
            return range(0)
        return range(start // FRAME, min((end - 1) // FRAME + 1, len(self.checksums)))


def compress(raw: bytes) -> tuple[bytes, bool]:
    """The bytes to store and whether they are compressed."""
    packed = _compressor().compress(raw)
    if len(packed) < len(raw) * WORTHWHILE:
        return packed, True
    return raw, False


def decompress(stored: bytes, size: int) -> bytes:
    """The inverse for a compressed run of `size` decoded bytes.

    Raises:
        BrokenEncodingError: damaged, or not of that size. Never more than `size` bytes are made.
    """
    try:
        raw = _decompressor().decompress(stored, max_output_size=max(size, 1))
    except zstandard.ZstdError as error:
        raise BrokenEncodingError(str(error)) from None
    if len(raw) != size:
        raise BrokenEncodingError(f"{len(raw)} bytes where {size} were written")
    return raw


def encode_frames(raw: bytes) -> tuple[bytes, bytes]:
    """(object, packed index)."""
    view = memoryview(raw)
    stored = [
        compress(bytes(view[start : start + FRAME]))[0] for start in range(0, len(raw), FRAME)
    ]
    return b"".join(stored), packed_index(stored)


def packed_index(frames: Iterable[bytes]) -> bytes:
    """The packed index of an object that consists of these stored frames."""
    return b"".join([_ENTRY.pack(len(frame), zlib.crc32(frame)) for frame in frames])


def decode_frames(stored: bytes, index: FrameIndex, frames: range, size: int) -> bytes:
    """Decoded bytes of `frames`, whose stored bytes are `stored`; `size` is that of the whole blob.

    Raises:
        BrokenEncodingError: a frame is cut off or damaged.
    """
    decoded = []
    base = index.starts[frames.start] if frames else 0
    view = memoryview(stored)
    for number in frames:
        frame = view[index.starts[number] - base : index.starts[number + 1] - base]
        if zlib.crc32(frame) != index.checksums[number]:
            raise BrokenEncodingError(f"frame {number} is damaged")
        length = min(FRAME, size - number * FRAME)
        decoded.append(bytes(frame) if len(frame) == length else decompress(bytes(frame), length))
    return b"".join(decoded)


def _compressor() -> zstandard.ZstdCompressor:
    try:
        return _contexts.compressor  # type: ignore[no-any-return]
    except AttributeError:
        _contexts.compressor = zstandard.ZstdCompressor(level=LEVEL)
        return _contexts.compressor  # type: ignore[no-any-return]


def _decompressor() -> zstandard.ZstdDecompressor:
    try:
        return _contexts.decompressor  # type: ignore[no-any-return]
    except AttributeError:
        _contexts.decompressor = zstandard.ZstdDecompressor()
        return _contexts.decompressor  # type: ignore[no-any-return]
