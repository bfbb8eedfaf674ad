"""Compressed octets, unpacked piece by piece within a budget. No clock, no files.

Every decoder here takes a limit for what one call may return, so that no input, however small, can
ask for more memory than `PIECE` and the decoder's own window, which is bounded too.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, Protocol

import inflate64
import zstandard

from apps.scan.attachments.budget import MB, Budget, Damaged

PIECE: Final = 256 * 1024
_BITE: Final = 64 * 1024  # octets given to a decoder at once
_CRUMB: Final = 256  # the same, to one that returns all it can
WINDOW_MOST: Final = 64 * MB  # octets of history that a decoder may keep
Pieces = Iterator[bytes]


class _Decoder(Protocol):
    """What bz2 and lzma share."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


def deflated(data: bytes | memoryview, budget: Budget, *, form: int = -zlib.MAX_WBITS) -> Pieces:
    """Unpack deflate (RFC 1951); `form` 31 is gzip (RFC 1952), whose members follow each other."""
    view, at = memoryview(data), 0
    while at < len(view):
        decoder = zlib.decompressobj(form)
        while not decoder.eof:
            # In small bites: what a decoder leaves it copies, each time anew.
            bite = decoder.unconsumed_tail
            if not bite:
                bite = bytes(view[at : at + _BITE])
                at += len(bite)
            piece = _inflated(decoder, bite)
            budget.spend(len(piece))
            if piece:
                yield piece
            elif not bite and not decoder.eof:
                raise Damaged("its compressed content ends too soon")
        at -= len(decoder.unused_data)
        if form < 0 or bytes(view[at : at + 2]) != b"\x1f\x8b":
            return


def _inflated(decoder: "zlib._Decompress", bite: bytes) -> bytes:
    try:
        return decoder.decompress(bite, PIECE)
    except zlib.error as error:
        raise Damaged("its compressed content is damaged") from error


def deflated64(data: bytes | memoryview, budget: Budget) -> Pieces:
    """Unpack Deflate64, which Windows opens in zip archives too.

    The decoder knows no limit for what one call returns, and 18 bits may ask for 64 KB: it is fed
    so little that it cannot return more than some 7 MB.
    """
    decoder, at = inflate64.Inflater(), 0
    while at < len(data) and not decoder.eof:
        try:
            piece = decoder.inflate(bytes(data[at : at + _CRUMB]))
        except (ValueError, EOFError) as error:
            raise Damaged("its compressed content is damaged") from error
        at += _CRUMB
        budget.spend(len(piece))
        if piece:
            yield piece
    if not decoder.eof:
        raise Damaged("its compressed content ends too soon")


def bunzipped(data: bytes | memoryview, budget: Budget) -> Pieces:
    """Unpack bzip2."""
    return _decoded(bz2.BZ2Decompressor, data, budget)


def unxzed(data: bytes | memoryview, budget: Budget) -> Pieces:
    """Unpack xz, or the older .lzma."""
    return _decoded(
        lambda: lzma.LZMADecompressor(memlimit=WINDOW_MOST + 4 * MB),
        data,
        budget,
    )


def unfiltered(
    data: bytes | memoryview, filters: list[dict[str, Any]], size: int, budget: Budget
) -> Pieces:
    """Unpack LZMA without a header of its own, `size` octets of it."""
    for one in filters:
        if one.get("dict_size", 0) > WINDOW_MOST:
            raise Damaged("it asks for too much memory")
    left = size
    for piece in _decoded(
        lambda: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters), data, budget
    ):
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return


def filtered(pieces: Pieces, filters: list[dict[str, Any]]) -> Pieces:
    """Undo filters, which the standard library does only to what comes out of LZMA.

    So it gets LZMA2 whose chunks are not packed: one octet of control, two of size, then content.
    """
    last = {"id": lzma.FILTER_LZMA2, "dict_size": _BITE}
    control = b"\x01"  # the first chunk clears the window
    try:
        decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[*filters, last])
        for piece in pieces:
            for at in range(0, len(piece), _BITE):
                chunk = piece[at : at + _BITE]
                size = (len(chunk) - 1).to_bytes(2, "big")
                # It keeps the last octets back: what they become, the next ones may say.
                if undone := decoder.decompress(control + size + chunk):
                    yield undone
                control = b"\x02"
        if undone := decoder.decompress(b"\x00"):
            yield undone
    except (lzma.LZMAError, ValueError, EOFError) as error:
        raise Damaged("its compressed content is damaged") from error


def unzstded(data: bytes | memoryview, budget: Budget) -> Pieces:
    """Unpack zstd (RFC 8878)."""
    decoder = zstandard.ZstdDecompressor(max_window_size=WINDOW_MOST)
    try:
        with decoder.stream_reader(bytes(data), read_across_frames=True) as reader:
            while piece := reader.read(PIECE):
                budget.spend(len(piece))
                yield piece
    except zstandard.ZstdError as error:
        raise Damaged("its compressed content is damaged") from error


def _decoded(make: Callable[[], _Decoder], data: bytes | memoryview, budget: Budget) -> Pieces:
    view, at = memoryview(data), 0
    while at < len(view):
        try:
            decoder = make()
            while not decoder.eof:
                bite = bytes(view[at : at + _BITE]) if decoder.needs_input else b""
                if decoder.needs_input and not bite:
                    raise Damaged("its compressed content ends too soon")
                at += len(bite)
                piece = decoder.decompress(bite, PIECE)
                budget.spend(len(piece))
                if piece:
                    yield piece
        except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
            raise Damaged("its compressed content is damaged") from error
        except MemoryError as error:
            raise Damaged("it asks for too much memory") from error
        at = _next_stream(view, at - len(decoder.unused_data))


def _next_stream(view: memoryview, at: int) -> int:
    """Where a stream that follows begins (`cat a.xz b.xz`): behind zeros, if there are any."""
    while at < len(view):
        bite = bytes(view[at : at + _BITE])
        rest = bite.lstrip(b"\0")
        at += len(bite) - len(rest)
        if rest:
            return at if rest[:3] in {b"BZh", b"\xfd7z"} else len(view)
    return at


class Content(NamedTuple):
    """What was unpacked.

    Args:
        is_cut: there was more than was kept.
        why_not: in which words unpacking ended before its end; "" if it did not.
    """

    octets: bytes
    is_cut: bool
    why_not: str


def gathered(pieces: Pieces, most: int) -> Content:
    """At most `most` octets are kept.

    The rest is unpacked all the same, and forgotten: only so it is known that it is no bomb.
    """
    kept, is_cut, why_not = bytearray(), False, ""
    try:
        for piece in pieces:
            room = most - len(kept)
            kept += piece[:room]
            is_cut = is_cut or len(piece) > room
    except Damaged as error:
        why_not = str(error)
    return Content(bytes(kept), is_cut, why_not)


class Reader:
    """Pieces as a file that can only be read on, for libraries that want one."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._kept = bytearray()
        self._failure: Damaged | None = None

    def read(self, size: int = -1) -> bytes:
        """Up to `size` octets, fewer at the end only.

        Raises:
            Damaged: once all that could be unpacked was read.
        """
        self._fill(size)
        wanted = len(self._kept) if size < 0 else size
        found = bytes(self._kept[:wanted])
        del self._kept[:wanted]
        if not found and size and self._failure is not None:
            raise self._failure
        return found

    @property
    def why_not(self) -> str:
        """In which words unpacking has ended before its end; "" if it has not."""
        return str(self._failure) if self._failure is not None else ""

    def look(self, size: int) -> bytes:
        """The first octets of what is to be read, fewer if there are not so many."""
        self._fill(size)
        return bytes(self._kept[:size])

    def rest(self) -> Pieces:
        """What was not read yet."""
        while piece := self.read(PIECE):
            yield piece

    def _fill(self, size: int) -> None:
        while self._failure is None and (size < 0 or len(self._kept) < size):
            try:
                piece = next(self._pieces, b"")
            except Damaged as failure:
                self._failure = failure
                return
            if not piece:
                return
            self._kept += piece
