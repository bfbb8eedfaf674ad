"""Parts of a message freed of their transfer encoding: BINARY[...] (RFC 3516, RFC 9051).

A part is decoded piece by piece, so a large attachment costs no more memory than a small one, and
what is asked of its middle costs no more than what lies before it. Whether NUL is among the octets,
and how many there are, has to be known before the first goes out: what is longer than one piece is
decoded twice.

What a sender encoded goes out octet for octet, also text whose lines end with LF inside base64, as
Dovecot and Cyrus have it: RFC 3516 section 6 asks for CRLF where a server stores lines otherwise,
and this one stores them as they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from apps.mime import decode
from apps.mime.tree import Part
from apps.wire.errors import UnknownEncoding

PIECE: Final = 256 * 1024

Read = Callable[[int, int], bytes]
"""Returns octets [start, end) of a message."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a section holds, without its transfer encoding.

    has_nul: only a literal8 can carry it.
    short: all of it, if that is no more than a piece; else None.
    pieces: begins to decode anew each time.
    """

    size: int
    has_nul: bool
    short: bytes | None
    pieces: Callable[[], Iterator[bytes]]


def decoded(
    read: Read, part: Part | None, start: int, end: int, window: tuple[int, int] | None
) -> Decoded:
    """Look at a section of a message.

    Args:
        part: what lies at [start, end) of the message; None for the message itself.
        window: (start, count) of the decoded octets that are asked for; None for all.

    Raises:
        UnknownEncoding: its transfer encoding is not known.
    """
    if part is not None and (part.is_multipart or part.is_message):
        part = None  # only leaves have an encoding (RFC 9051 section 6.4.5)
    if part is not None and part.encoding not in decode.KNOWN:
        raise UnknownEncoding
    pieces = partial(_pieces, read, part, start, end)
    if window is not None:
        pieces = partial(_within, pieces, *window)
    size, has_nul = 0, False
    kept: list[bytes] = []
    for piece in pieces():
        size += len(piece)
        has_nul = has_nul or b"\0" in piece
        if size <= PIECE:
            kept.append(piece)
    return Decoded(size, has_nul, b"".join(kept) if size <= PIECE else None, pieces)


def _pieces(read: Read, part: Part | None, start: int, end: int) -> Iterator[bytes]:
    raw = (read(at, min(at + PIECE, end)) for at in range(start, end, PIECE))
    return raw if part is None else decode.stepwise(raw, part.encoding)


def _within(pieces: Callable[[], Iterator[bytes]], start: int, count: int) -> Iterator[bytes]:
    """Yield only `count` octets from `start` on, and look no further."""
    for piece in pieces():
        if start < len(piece):
            wanted = piece[start : start + count]
            yield wanted
            count -= len(wanted)
            if not count:
                return
        start = max(start - len(piece), 0)
