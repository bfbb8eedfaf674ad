"""zip: also jar, apk, and the documents of Office and LibreOffice (APPNOTE 6.3).

The table at the end says what is inside, as every program that opens zip files reads it; `zipfile`
reads that table. The content is unpacked here, because `zipfile` refuses what others open (a wrong
checksum, a local header that says something else), and that is just what attackers send. A second
archive before the first, which some programs open instead, is opened as well.
"""

import io
import lzma
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from apps.scan.attachments import library, packing
from apps.scan.attachments.budget import Budget, Damaged
from apps.scan.attachments.library import Form
from apps.scan.attachments.member import UNREAD, Member

_LOCAL: Final = b"PK\x03\x04"
_CENTRAL: Final = b"PK\x01\x02"
_ENCRYPTED: Final = 0x1
_UNICODE_PATH: Final = 0x7075
_STORED, _DEFLATED, _DEFLATED64, _BZIP2, _LZMA, _ZSTD, _XZ = 0, 8, 9, 12, 14, 93, 95


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What is inside a zip archive."""
    # Each entry takes a kilobyte once it is read: they are counted before.
    budget.count(data.count(_CENTRAL))
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
        yield from _without_table(data, budget)
        raise Damaged("its table of contents is damaged") from error
    # zipfile moves all offsets by what stands before the archive: both are counted from the start.
    first = min((entry.header_offset for entry in entries), default=0)
    unknown: list[Member] = []
    for entry in entries:
        if entry.is_dir():
            continue
        member = _member(data, entry, budget)
        if UNREAD in member.marks:
            unknown.append(member)
        else:
            yield member
    yield from _by_library(data, unknown, budget)
    if data.find(_LOCAL, 0, first) >= 0 and data.find(_CENTRAL, 0, first) >= 0:
        yield Member("(another archive before it).zip", data[:first])


def _by_library(data: bytes, unknown: list[Member], budget: Budget) -> Iterator[Member]:
    """What is packed by PPMd and the like, in which other programs open it."""
    if not unknown:
        return
    others = {member.name: member.other_names for member in unknown}
    for member in library.named(data, Form.ZIP, [one.name for one in unknown], budget):
        yield replace(member, other_names=others[member.name])


def _member(data: bytes, entry: zipfile.ZipInfo, budget: Budget) -> Member:
    name = entry.orig_filename or entry.filename
    if entry.flag_bits & _ENCRYPTED:
        return Member(name, is_locked=True)
    start = entry.header_offset
    if data[start : start + 4] != _LOCAL:
        return Member(name, why_not="it is not where the table of contents says")
    content = start + 30 + _number(data, start + 26) + _number(data, start + 28)
    packed = memoryview(data)[content : content + entry.compress_size]
    member = _unpacked(name, entry.compress_type, packed, entry.file_size, budget)
    return replace(member, other_names=tuple(_other_names(data, entry, name)))


def _other_names(data: bytes, entry: zipfile.ZipInfo, name: str) -> Iterator[str]:
    """Further names of it: in its local header, and in Unicode (APPNOTE 4.6.9)."""
    start = entry.header_offset + 30
    local = data[start : start + _number(data, start - 4)]
    if local not in {name.encode("cp437", "replace"), name.encode("utf-8", "replace")}:
        yield local.decode("utf-8", "replace")
    at = 0
    while at + 4 <= len(entry.extra):
        size = _number(entry.extra, at + 2)
        if _number(entry.extra, at) == _UNICODE_PATH:
            yield entry.extra[at + 9 : at + 4 + size].decode("utf-8", "replace")
        at += 4 + size


def _unpacked(name: str, method: int, packed: memoryview, size: int, budget: Budget) -> Member:
    try:
        pieces = _pieces(method, packed, size, budget)
    except Damaged as error:
        return Member(name, why_not=str(error))
    if pieces is None:
        return Member(name, marks=(UNREAD,))
    content = packing.gathered(pieces, budget.limits.member)
    return Member(name, content.octets, is_cut=content.is_cut, why_not=content.why_not)


def _pieces(method: int, packed: memoryview, size: int, budget: Budget) -> Iterator[bytes] | None:
    if method == _STORED:
        budget.spend(len(packed))
        return iter((bytes(packed),))
    if method == _DEFLATED:
        return packing.deflated(packed, budget)
    if method == _DEFLATED64:
        return packing.deflated64(packed, budget)
    if method == _BZIP2:
        return packing.bunzipped(packed, budget)
    if method == _ZSTD:
        return packing.unzstded(packed, budget)
    if method == _XZ:
        return packing.unxzed(packed, budget)
    if method == _LZMA and len(packed) > 9:
        # APPNOTE 5.8.8: version, length of the properties, properties.
        properties = bytes(packed[4:9])
        return packing.unfiltered(packed[9:], [lzma1(properties, size)], size, budget)
    return None


def lzma1(properties: bytes, size: int) -> dict[str, int]:
    """The properties of LZMA as the decoder wants them.

    The window need not be larger than all that there is to unpack, whatever is claimed.
    """
    first, window = properties[0], int.from_bytes(properties[1:5], "little")
    if first >= 9 * 5 * 5:
        raise Damaged("its compressed content is damaged")
    return {
        "id": lzma.FILTER_LZMA1,
        "lc": first % 9,
        "lp": first // 9 % 5,
        "pb": first // 45,
        "dict_size": max(4_096, min(window, size)),
    }


def _without_table(data: bytes, budget: Budget) -> Iterator[Member]:
    """What can be saved of an archive that is cut off: entries one after the other."""
    at = data.find(_LOCAL)
    while 0 <= at <= len(data) - 30:
        budget.count()
        name_length = _number(data, at + 26)
        content = at + 30 + name_length + _number(data, at + 28)
        name = data[at + 30 : at + 30 + name_length].decode("utf-8", "replace")
        size, full = _number(data, at + 18, 4), _number(data, at + 22, 4)
        following = data.find(_LOCAL, content + size)
        if _number(data, at + 6) & _ENCRYPTED:
            yield Member(name, is_locked=True)
        elif not name.endswith("/"):
            end = content + size if size else following if following >= 0 else len(data)
            packed = memoryview(data)[content:end]
            yield _unpacked(name, _number(data, at + 8), packed, full or len(data), budget)
        at = following


def _number(data: bytes, at: int, width: int = 2) -> int:
    return int.from_bytes(data[at : at + width], "little")
