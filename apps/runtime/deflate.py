"""Compression of a connection, both ways (RFC 1951 as RFC 4978 uses it). Knows octets only.

What comes is unpacked in small pieces, when somebody asks for more: a bomb costs its reader what
the same octets would cost uncompressed, and is never held as a whole. A piece ends where the peer
flushed, at the latest: so the peer may stop compressing behind any flush, and what it sends then in
the clear was not touched.
"""

from __future__ import annotations

import zlib
from typing import Final

PIECE: Final = 64 * 1024
"""Octets unpacked at once."""
_PACKED: Final = 16 * 1024
"""Packed octets given to zlib at once."""
# 64 KB a connection instead of the usual 256, for clients keep many connections open: text gets 8 %
# longer by it, answers about flags and envelopes none.
_LEVEL, _WINDOW, _MEMORY = 5, -13, 6
_FLUSH: Final = b"\0\0\xff\xff"


class CorruptError(ConnectionError):
    """What came is not compressed, or goes on behind its end."""


class Deflate:
    """The state of one connection."""

    __slots__ = ("_before", "_between", "_full", "_in", "_out", "_packed", "_pos")

    def __init__(self) -> None:
        self._out = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY)
        self._in = zlib.decompressobj(-zlib.MAX_WBITS)
        self._packed = bytearray()
        self._pos = 0  # what is before it has been given to zlib
        self._between = True  # what was given to zlib ended with a flush
        self._before = b""  # the last three octets before it: a flush may begin there
        self._full = False  # zlib may have more to give without more to take

    def pack(self, data: bytes) -> bytes:
        """Compress, so that the peer can unpack all of it now."""
        return self._out.compress(data) + self._out.flush(zlib.Z_SYNC_FLUSH)

    def take(self, data: bytes) -> None:
        """Take packed octets."""
        if self._pos:
            del self._packed[: self._pos]
            self._pos = 0
        self._packed += data

    @property
    def held(self) -> int:
        """Packed octets that wait."""
        inside = len(self._in.unconsumed_tail) + len(self._in.unused_data)
        return len(self._packed) - self._pos + inside

    @property
    def has_more(self) -> bool:
        """Whether `unpack` could give something."""
        return self._full or self.held > 0

    def unpack(self) -> bytes:
        """Return the next piece, perhaps an empty one.

        Raises:
            CorruptError: the stream is damaged, or has ended and more came.
        """
        if self._in.eof:
            raise CorruptError("octets behind the end of the compressed stream")
        tail = self._in.unconsumed_tail
        given = tail if tail or self._full else self._next()
        try:
            found = self._in.decompress(given, PIECE)
        except zlib.error as error:
            raise CorruptError("not a compressed stream") from error
        self._full = len(found) >= PIECE and not self._in.eof
        return found

    def _next(self) -> bytes:
        """The packed octets up to the next flush."""
        first = self._pos
        window = self._before + self._packed[first : first + _PACKED]
        flush = window.find(_FLUSH)
        end = flush + len(_FLUSH) if flush >= 0 else len(window)
        taken = bytes(window[len(self._before) : end])
        self._between = flush >= 0
        self._before = window[max(end - 3, 0) : end] if flush < 0 else b""
        self._pos += len(taken)
        return taken

    def leave(self) -> bytes | None:
        """The peer stops compressing behind the line that was unpacked last: return what came
        behind its flush, in the clear; None if the end of the flush is still to come.

        Raises:
            CorruptError: there is more compressed text before the flush.
        """
        while not (self._between or self._in.eof):
            if not self.has_more:
                return None
            if self.unpack():
                raise CorruptError("text where the end of compression was expected")
        inside = self._in.unused_data + self._in.unconsumed_tail
        return inside + bytes(self._packed[self._pos :])
