"""7z, read by our own small reader (format: 7zFormat.txt of the LZMA SDK).

py7zr would be the library for it; it brings eight more packages of compiled code, all of which
would read what strangers send. What mail carries is LZMA, LZMA2, deflate, bzip2, zstd and plain
copies, with or without the usual filters: the standard library unpacks these. PPMd, and programs
that are split into several streams (BCJ2), are left to libarchive, if it is there.
"""

import itertools
import lzma
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from apps.scan.attachments import library, packing, starts
from apps.scan.attachments.budget import MB, Budget, Damaged, Locked
from apps.scan.attachments.library import Form
from apps.scan.attachments.member import Member
from apps.scan.attachments.openers.zips import lzma1

_SIGNATURE_SIZE: Final = 32
_HEADER_MOST: Final = 8 * MB  # octets of a table of contents, unpacked

# Property ids.
_END, _HEADER, _ARCHIVE, _EXTRA, _STREAMS, _FILES = 0x00, 0x01, 0x02, 0x03, 0x04, 0x05
_PACKED, _FOLDERS, _SUBSTREAMS, _SIZE, _CRC = 0x06, 0x07, 0x08, 0x09, 0x0A
_FOLDER, _UNPACKED_SIZE, _STREAM_COUNT = 0x0B, 0x0C, 0x0D
_EMPTY_STREAM, _EMPTY_FILE, _NAMES, _ENCODED = 0x0E, 0x0F, 0x11, 0x17

_AES: Final = b"\x06\xf1\x07\x01"
_COPY, _LZMA, _LZMA2, _DELTA = b"\x00", b"\x03\x01\x01", b"\x21", b"\x03"
_DEFLATE, _DEFLATE64 = b"\x04\x01\x08", b"\x04\x01\x09"
_PPMD: Final = b"\x03\x04\x01"
_BZIP2, _ZSTD = b"\x04\x02\x02", b"\x04\xf7\x11\x01"
_FILTERS: Final = {
    _DELTA: lzma.FILTER_DELTA,
    b"\x04": lzma.FILTER_X86,
    b"\x05": lzma.FILTER_POWERPC,
    b"\x06": lzma.FILTER_IA64,
    b"\x07": lzma.FILTER_ARM,
    b"\x08": lzma.FILTER_ARMTHUMB,
    b"\x09": lzma.FILTER_SPARC,
    b"\x03\x03\x01\x03": lzma.FILTER_X86,
    b"\x03\x03\x02\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x04\x01": lzma.FILTER_IA64,
    b"\x03\x03\x05\x01": lzma.FILTER_ARM,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB,
    b"\x03\x03\x08\x05": lzma.FILTER_SPARC,
}


@dataclass
class _Folder:
    """A chain of coders that unpacks one run of octets into one or more files."""

    coders: list[tuple[bytes, bytes]] = field(default_factory=list)  # method, properties
    streams: int = 1  # packed ones that it reads
    is_simple: bool = True  # each coder reads one stream and writes one
    sizes: list[int] = field(default_factory=list)  # of what each coder writes
    last: int = 0  # the coder whose output is the content
    has_crc: bool = False
    files: list[int] = field(default_factory=list)  # sizes of the files in it

    @property
    def size(self) -> int:
        """Octets of the content."""
        return self.sizes[self.last] if self.last < len(self.sizes) else 0


@dataclass
class _Streams:
    """Where the packed octets are, and how they are unpacked."""

    at: int = 0
    sizes: list[int] = field(default_factory=list)
    folders: list[_Folder] = field(default_factory=list)


class _Cursor:
    """Reads numbers; what ends too soon is Damaged."""

    def __init__(self, data: bytes, budget: Budget) -> None:
        self.data, self.at, self._budget = data, 0, budget

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise Damaged("its table of contents ends too soon")
        self.at += size
        return self.data[self.at - size : self.at]

    def octet(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """A 7z number: the leading ones of the first octet say how many octets follow."""
        first, value, mask = self.octet(), 0, 0x80
        for place in range(8):
            if not first & mask:
                return value | (first & (mask - 1)) << (8 * place)
            value |= self.octet() << (8 * place)
            mask >>= 1
        return value

    def count(self) -> int:
        """A number of things, each of which takes memory: counted."""
        found = self.number()
        self._budget.count(found)
        return found

    def bits(self, count: int) -> list[bool]:
        packed = self.take((count + 7) // 8)
        return [bool(packed[n // 8] & 0x80 >> n % 8) for n in range(count)]

    def digests(self, count: int) -> list[bool]:
        """Which of `count` have a checksum; the checksums are passed over."""
        known = [True] * count if self.octet() else self.bits(count)
        self.take(4 * sum(known))
        return known

    def seek(self, wanted: int) -> None:
        """Go to a property, or to the end of the structure."""
        found = self.octet()
        if found != wanted:
            raise Damaged("its table of contents is damaged")


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What is inside a 7z archive; it may have anything before it."""
    data = data[max(starts.start(data, "7z"), 0) :]
    if len(data) < _SIGNATURE_SIZE:
        raise Damaged("it ends too soon")
    at = int.from_bytes(data[12:20], "little") + _SIGNATURE_SIZE
    size = int.from_bytes(data[20:28], "little")
    if at + size > len(data):
        raise Damaged("it ends too soon")
    header = _Cursor(data[at : at + size], budget)
    if not size:
        return
    kind = header.octet()
    if kind == _ENCODED:
        header = _Cursor(_decoded_header(data, _streams(header), budget), budget)
        kind = header.octet()
    if kind != _HEADER:
        raise Damaged("its table of contents is damaged")
    yield from _contents(data, header, budget)


def _decoded_header(data: bytes, streams: _Streams, budget: Budget) -> bytes:
    for folder, packed in _located(data, streams):
        if any(method == _AES for method, _ in folder.coders):
            raise Locked
        if folder.size > _HEADER_MOST:
            raise Damaged("its table of contents is too large")
        pieces = _unpacked(folder, packed, budget)
        if pieces is not None:
            return packing.gathered(pieces, _HEADER_MOST).octets
    raise Damaged("its table of contents is damaged")


def _contents(data: bytes, header: _Cursor, budget: Budget) -> Iterator[Member]:
    streams, names = _Streams(), []
    while (kind := header.octet()) != _END:
        if kind == _STREAMS:
            streams = _streams(header)
        elif kind == _FILES:
            names = _names(header)
        elif kind == _ARCHIVE:
            while header.octet() != _END:
                header.take(header.number())
        else:
            raise Damaged("its table of contents is damaged")
    budget.watch()
    remaining = iter(names)
    unknown: list[str] = []
    for folder, packed in _located(data, streams):
        yield from _files(folder, packed, remaining, unknown, budget)
    if unknown:
        yield from library.named(data, Form.SEVEN_ZIP, unknown, budget)


def _files(
    folder: _Folder,
    packed: memoryview,
    names: Iterator[str],
    unknown: list[str],
    budget: Budget,
) -> Iterator[Member]:
    """The files of one folder: they follow each other in what it unpacks to.

    If it is packed in a way that is not known here, their names are added to `unknown`.
    """
    if any(method == _AES for method, _ in folder.coders):
        for name in itertools.islice(names, len(folder.files)):
            yield Member(name, is_locked=True)
        return
    pieces = _unpacked(folder, packed, budget)
    if pieces is None:
        unknown += itertools.islice(names, len(folder.files))
        return
    reader, why_not = packing.Reader(pieces), ""
    for size, name in zip(folder.files, names, strict=False):
        content = b""
        try:
            if not why_not:
                content = _read(reader, size, budget.limits.member)
        except Damaged as error:
            why_not = str(error)
        if why_not:
            yield Member(name, why_not=why_not)
        else:
            yield Member(name, content, is_cut=size > len(content), why_not=reader.why_not)


def _read(reader: packing.Reader, size: int, most: int) -> bytes:
    content = reader.read(min(size, most))
    left = size - len(content)
    while left > 0 and (passed := reader.read(min(left, packing.PIECE))):
        left -= len(passed)
    return content


def _located(data: bytes, streams: _Streams) -> Iterator[tuple[_Folder, memoryview]]:
    at, number = streams.at + _SIGNATURE_SIZE, 0
    for folder in streams.folders:
        sizes = streams.sizes[number : number + folder.streams]
        number += folder.streams
        yield folder, memoryview(data)[at : at + sum(sizes)]
        at += sum(sizes)


def _unpacked(folder: _Folder, packed: memoryview, budget: Budget) -> packing.Pieces | None:
    """The content of a folder: filters, and what they are applied to, as one decoder.

    None if it is packed in a way that is not known here.
    """
    if not folder.is_simple or not all(method in _FILTERS for method, _ in folder.coders[:-1]):
        return None
    *filters, (method, properties) = folder.coders
    size = folder.size
    chain = [_filter(name, settings) for name, settings in filters]
    if method in {_LZMA, _LZMA2}:
        chain.append(_lzma(method, properties, size))
        return packing.unfiltered(packed, chain, size, budget)
    if method == _PPMD and library.loaded() is not None:
        pieces: packing.Pieces | None = library.ppmd(packed, properties[:5], size, budget)
    else:
        pieces = _pieces(method, packed, budget)
    return packing.filtered(pieces, chain) if chain and pieces is not None else pieces


def _pieces(method: bytes, packed: memoryview, budget: Budget) -> packing.Pieces | None:
    if method == _COPY:
        budget.spend(len(packed))
        return iter((bytes(packed),))
    if method == _DEFLATE:
        return packing.deflated(packed, budget, form=-zlib.MAX_WBITS)
    if method == _DEFLATE64:
        return packing.deflated64(packed, budget)
    if method == _BZIP2:
        return packing.bunzipped(packed, budget)
    if method == _ZSTD:
        return packing.unzstded(packed, budget)
    return None


def _filter(method: bytes, properties: bytes) -> dict[str, Any]:
    if method == _DELTA:
        return {"id": lzma.FILTER_DELTA, "dist": properties[0] + 1 if properties else 1}
    return {"id": _FILTERS[method]}


def _lzma(method: bytes, properties: bytes, size: int) -> dict[str, Any]:
    if method == _LZMA:
        if len(properties) < 5:
            raise Damaged("its table of contents is damaged")
        return lzma1(properties, size)
    # One octet: 2 or 3 times a power of two (xz file format, section 5.3.1).
    first = properties[0] if properties else 0
    window = (2 | first & 1) << (first // 2 + 11) if first < 40 else 0xFFFFFFFF
    return {"id": lzma.FILTER_LZMA2, "dict_size": max(4_096, min(window, size))}


def _streams(cursor: _Cursor) -> _Streams:
    found = _Streams()
    has_substreams = False
    while (kind := cursor.octet()) != _END:
        if kind == _PACKED:
            _read_packed(cursor, found)
        elif kind == _FOLDERS:
            _read_folders(cursor, found)
        elif kind == _SUBSTREAMS:
            _read_substreams(cursor, found.folders)
            has_substreams = True
        else:
            raise Damaged("its table of contents is damaged")
    if not has_substreams:
        for folder in found.folders:
            folder.files = [folder.size]
    return found


def _read_packed(cursor: _Cursor, found: _Streams) -> None:
    found.at = cursor.number()
    count = cursor.count()
    while (kind := cursor.octet()) != _END:
        if kind == _SIZE:
            found.sizes = [cursor.number() for _ in range(count)]
        elif kind == _CRC:
            cursor.digests(count)
        else:
            raise Damaged("its table of contents is damaged")


def _read_folders(cursor: _Cursor, found: _Streams) -> None:
    cursor.seek(_FOLDER)
    count = cursor.count()
    if cursor.octet():
        raise Damaged("its table of contents is not where it should be")
    found.folders = [_read_folder(cursor) for _ in range(count)]
    cursor.seek(_UNPACKED_SIZE)
    for folder in found.folders:
        folder.sizes = [cursor.number() for _ in folder.sizes]
    while (kind := cursor.octet()) != _END:
        if kind != _CRC:
            raise Damaged("its table of contents is damaged")
        for folder, known in zip(found.folders, cursor.digests(count), strict=True):
            folder.has_crc = known


def _read_folder(cursor: _Cursor) -> _Folder:
    folder = _Folder()
    inputs = outputs = 0
    for _ in range(_few(cursor.number())):
        flags = cursor.octet()
        method = cursor.take(flags & 0x0F)
        reads, writes = (_few(cursor.number()), _few(cursor.number())) if flags & 0x10 else (1, 1)
        properties = cursor.take(cursor.number()) if flags & 0x20 else b""
        folder.coders.append((method, properties))
        folder.is_simple = folder.is_simple and reads == writes == 1
        inputs, outputs = inputs + reads, outputs + writes
    # A bond says whose input is whose output; what no bond takes is the content.
    bonds = [(cursor.number(), cursor.number()) for _ in range(max(outputs - 1, 0))]
    folder.streams = _few(inputs - len(bonds))
    if folder.streams > 1:
        for _ in range(folder.streams):
            cursor.number()
    folder.sizes = [0] * outputs
    taken = {output for _, output in bonds}
    folder.last = next((n for n in range(outputs) if n not in taken), 0)
    if folder.is_simple:
        folder.coders = _ordered(folder, dict(bonds))
    return folder


def _ordered(folder: _Folder, bonds: dict[int, int]) -> list[tuple[bytes, bytes]]:
    """The coders from the one whose output is the content down to the one that reads it packed."""
    order: list[tuple[bytes, bytes]] = []
    at = folder.last
    while at < len(folder.coders) and len(order) < len(folder.coders):
        order.append(folder.coders[at])
        if at not in bonds:
            return order
        at = bonds[at]
    raise Damaged("its table of contents is damaged")


def _few(number: int) -> int:
    if not 0 < number <= 8:
        raise Damaged("its table of contents is damaged")
    return number


def _read_substreams(cursor: _Cursor, folders: Sequence[_Folder]) -> None:
    kind = cursor.octet()
    counts = [1] * len(folders)
    if kind == _STREAM_COUNT:
        counts = [cursor.count() for _ in folders]
        kind = cursor.octet()
    for folder, count in zip(folders, counts, strict=True):
        folder.files = [0] * count
    if kind == _SIZE:
        for folder in folders:
            sizes = [cursor.number() for _ in folder.files[1:]]
            folder.files = _with_rest(folder, sizes)
        kind = cursor.octet()
    else:
        for folder in folders:
            folder.files = _with_rest(folder, [])
    while kind != _END:
        if kind != _CRC:
            raise Damaged("its table of contents is damaged")
        unknown = [f for f in folders if len(f.files) != 1 or not f.has_crc]
        cursor.digests(sum(len(folder.files) for folder in unknown))
        kind = cursor.octet()


def _with_rest(folder: _Folder, sizes: list[int]) -> list[int]:
    """The last file has what the others leave."""
    if not folder.files:
        return []
    return [*sizes, max(folder.size - sum(sizes), 0)]


def _names(cursor: _Cursor) -> list[str]:
    """Names of the files that have content, in order."""
    count = cursor.count()
    empty, names = [False] * count, [""] * count
    while (kind := cursor.octet()) != _END:
        block = cursor.take(cursor.number())
        if kind == _EMPTY_STREAM:
            empty = _Cursor(block, Budget(len(block))).bits(count)
        elif kind == _NAMES and block[:1] == b"\x00":
            names = block[1:].decode("utf-16-le", "replace").split("\x00")[:count]
            names += [""] * (count - len(names))
    return [name for name, is_empty in zip(names, empty, strict=True) if not is_empty]
