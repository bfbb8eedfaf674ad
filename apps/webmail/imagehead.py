"""What a picture is by its first octets, and how large it says that it is. Pure.

Its own Content-Type and file name say nothing here. Formats that browsers draw and that run no
script; SVG is a document, and none of them. Nothing is decoded: a picture that would be a bomb in
memory is known by the numbers in its header, before anybody opens it.
"""

from typing import Final, NamedTuple

LARGEST_SIDE: Final = 20_000  # pixels
LARGEST_AREA: Final = 60_000_000  # pixels; four octets each in a browser's memory

_SEGMENTS: Final = 2_000  # of a JPEG before its size
_BOXES: Final = 200  # of an AVIF
_JPEG_SIZE: Final = frozenset(
    (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
)


class Picture(NamedTuple):
    """A picture's type, as in `image/png`, and its size in pixels."""

    mime_type: str
    width: int
    height: int

    @property
    def is_dot(self) -> bool:
        """Whether it is too small to be seen: it is there to count who looks."""
        return self.width <= 1 or self.height <= 1

    @property
    def is_bearable(self) -> bool:
        """Whether it can be drawn without harm."""
        return (
            0 < self.width <= LARGEST_SIDE
            and 0 < self.height <= LARGEST_SIDE
            and self.width * self.height <= LARGEST_AREA
        )


def look(data: bytes) -> Picture | None:
    """What these octets are; None if they are no picture of ours, or its size cannot be read."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data.startswith((b"GIF87a", b"GIF89a")) and len(data) >= 10:
        return Picture("image/gif", _little(data, 6), _little(data, 8))
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    if data[4:12] in {b"ftypavif", b"ftypavis"}:
        return _avif(data)
    return None


def _png(data: bytes) -> Picture | None:
    if data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return Picture(
        "image/png", int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    )


def _jpeg(data: bytes) -> Picture | None:
    at = 2
    for _ in range(_SEGMENTS):
        if at + 9 > len(data) or data[at] != 0xFF:
            return None
        kind = data[at + 1]
        if kind == 0xFF:  # filling
            at += 1
        elif kind in _JPEG_SIZE:
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return Picture(
                "image/jpeg", int.from_bytes(width, "big"), int.from_bytes(height, "big")
            )
        elif kind in {0xD9, 0xDA}:  # the end, or the picture itself
            return None
        else:
            at += 2 + max(int.from_bytes(data[at + 2 : at + 4], "big"), 2)
    return None


def _webp(data: bytes) -> Picture | None:
    if len(data) < 30:
        return None
    form = data[12:16]
    if form == b"VP8X":
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return Picture("image/webp", width, height)
    if form == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return Picture("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if form == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return Picture("image/webp", _little(data, 26) & 0x3FFF, _little(data, 28) & 0x3FFF)
    return None


def _avif(data: bytes) -> Picture | None:
    """The largest `ispe` among the properties (ISO/IEC 23008-12 section 6.5.3)."""
    head = data[: 64 * 1024]
    largest, at = None, 0
    for _ in range(_BOXES):
        at = head.find(b"ispe", at)
        if at < 0 or at + 16 > len(head):
            break
        width, height = (int.from_bytes(head[at + to : at + to + 4], "big") for to in (8, 12))
        if largest is None or width * height > largest.width * largest.height:
            largest = Picture("image/avif", width, height)
        at += 16
    return largest


def _little(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")
