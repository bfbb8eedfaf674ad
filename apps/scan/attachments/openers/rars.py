"""rar, versions 4 and 5: our own reader finds the files, libarchive unpacks what is packed.

Names are read here, because they are enough to stop programs, whether or not libarchive is on the
machine and whatever it says to damaged headers. It gets the archive without what it would stumble
over: files with a password, and those whose beginning is in another part. Its entries then follow
each other as ours do.

A rar archive may have anything before it; programs look for its mark.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from apps.scan.attachments import library, starts
from apps.scan.attachments.budget import Budget, Damaged, Locked, TooMuch
from apps.scan.attachments.library import Form
from apps.scan.attachments.member import UNREAD, Member

_MARK_4: Final = b"Rar!\x1a\x07\x00"
_MARK_5: Final = b"Rar!\x1a\x07\x01\x00"
_ELSEWHERE: Final = "its other half is in another part of the archive"
_OLDEST: Final = 29  # of version 4: what was packed before rar 2.9 libarchive cannot read
_NEWEST: Final = 0  # of version 5: rar 7 packs anew what needs more than 4 GB of memory


@dataclass(frozen=True, slots=True)
class _File:
    """A file, and where it stands.

    Args:
        at, end: of its header and its content.
        member: None for a folder.
        is_packed: its content is to be unpacked.
        is_left_out: of what libarchive gets.
    """

    at: int
    end: int
    member: Member | None = None
    is_packed: bool = False
    is_left_out: bool = False


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What is inside a rar archive."""
    data = data[max(starts.start(data, "rar"), 0) :]
    if data.startswith(_MARK_5):
        found, form = _version_5(data, budget), Form.RAR_5
    elif data.startswith(_MARK_4):
        found, form = _version_4(data, budget), Form.RAR_4
    else:
        raise Damaged("it is of an unknown version")
    files: list[_File] = []
    try:
        files.extend(found)
    except (Damaged, Locked, TooMuch):
        yield from _unpacked(data, form, files, budget)
        raise
    yield from _unpacked(data, form, files, budget)


def _unpacked(data: bytes, form: Form, files: list[_File], budget: Budget) -> Iterator[Member]:
    """The files in their order, with their contents."""
    why_not = ""
    entries: Iterator[library.Entry] = iter(())
    if any(file.is_packed for file in files):
        entries = library.entries(_without(data, files), form, budget)
    for file in files:
        entry = None
        if not file.is_left_out and not why_not:
            try:
                entry = next(entries, None)
            except library.Unknown:
                entries = iter(())
            except Damaged as error:
                why_not = str(error)
        if file.member is not None:
            yield _filled(file, entry, why_not)


def _filled(file: _File, entry: library.Entry | None, why_not: str) -> Member:
    member = file.member or Member("")
    if not file.is_packed:
        return member
    if entry is None:
        why_not = member.why_not or why_not
        return replace(member, why_not=why_not, marks=() if why_not else library.unread())
    others = tuple({*member.other_names, entry.member.name} - {member.name, ""})
    why_not = member.why_not or entry.member.why_not
    return replace(entry.member, name=member.name, other_names=others, why_not=why_not)


def _without(data: bytes, files: list[_File]) -> bytes:
    """The archive without the files that are left out."""
    gone = [(file.at, file.end) for file in files if file.is_left_out]
    if not gone:
        return data
    kept, here = [], 0
    for at, end in gone:
        kept.append(memoryview(data)[here:at])
        here = max(end, here)
    return b"".join([*kept, memoryview(data)[here:]])


def _file(at: int, end: int, member: Member, *, is_packed: bool, is_continued: bool) -> _File:
    """A file; `is_continued` from another part of the archive."""
    is_left_out = member.is_locked or is_continued or UNREAD in member.marks
    if is_continued and not member.is_locked:
        member = replace(member, content=None)
    return _File(at, end, member, is_packed and not is_left_out, is_left_out)


def _version_4(data: bytes, budget: Budget) -> Iterator[_File]:
    at = len(_MARK_4)
    while at + 7 <= len(data):
        budget.count()
        kind, flags = data[at + 2], _number(data, at + 3, 2)
        size = _number(data, at + 5, 2)
        if kind == 0x73 and flags & 0x0080:
            raise Locked  # names are encrypted too
        if kind == 0x7B:
            return
        extra = _number(data, at + 7, 4) if flags & 0x8000 or kind == 0x74 else 0
        if size < 7:
            raise Damaged("its table of contents is damaged")
        if kind == 0x74:
            yield _file_4(data, at, flags, size, extra)
        at += size + extra
    if at != len(data):
        raise Damaged("it ends too soon")


def _file_4(data: bytes, at: int, flags: int, size: int, packed: int) -> _File:
    end = at + size + packed
    if flags & 0xE0 == 0xE0:
        return _File(at, end)  # a folder
    name_at = at + 32 + (8 if flags & 0x0100 else 0)
    octets = data[name_at : min(name_at + _number(data, at + 26, 2), at + size)]
    plain, _, coded = octets.partition(b"\x00") if flags & 0x0200 else (octets, b"", b"")
    names = [plain.decode("utf-8", "replace")]
    if coded:
        names.insert(0, _unicode_name(plain, coded))
    version, method = data[at + 24 : at + 25], data[at + 25 : at + 26]
    is_stored = method == b"\x30"
    is_old = not is_stored and version < bytes((_OLDEST,))
    is_locked = bool(flags & 0x0004)
    member = Member(
        names[0],
        data[at + size : end] if is_stored and not is_locked else None,
        is_locked=is_locked,
        why_not=_ELSEWHERE if flags & 0x0003 and not is_locked else "",
        marks=(UNREAD,) if is_old and not is_locked else (),
        other_names=tuple(names[1:]),
    )
    return _file(at, end, member, is_packed=not is_stored, is_continued=bool(flags & 0x0001))


def _unicode_name(plain: bytes, coded: bytes) -> str:
    """The second spelling of a name, which is the one that programs show.

    Two bits for each step: one octet; one octet in the page of the first; two octets; or a run of
    octets of the first spelling, as they are or moved into that page.
    """
    found: list[int] = []
    page, at, bits, left = coded[0] << 8, 1, 0, 0
    try:
        while at < len(coded):
            if not left:
                bits, at, left = coded[at], at + 1, 8
            left -= 2
            step = bits >> left & 3
            if step < 2:
                found.append(coded[at] | page * step)
                at += 1
            elif step == 2:
                found.append(_number(coded, at, 2))
                at += 2
            else:
                length, at = coded[at], at + 1
                moved = bool(length & 0x80)
                by, at = (coded[at], at + 1) if moved else (0, at)
                run = plain[len(found) : len(found) + (length & 0x7F) + 2]
                found += [(octet + by & 0xFF) | page * moved for octet in run]
    except IndexError:
        pass  # it ends in the middle of a step: what was read is the name
    return b"".join(one.to_bytes(2, "little") for one in found).decode("utf-16-le", "replace")


def _version_5(data: bytes, budget: Budget) -> Iterator[_File]:
    at = len(_MARK_5)
    while at + 7 <= len(data):
        budget.count()
        size, start = _vint(data, at + 4)
        end = start + size
        kind, here = _vint(data, start)
        flags, here = _vint(data, here)
        extra, here = _vint(data, here) if flags & 1 else (0, here)
        packed, here = _vint(data, here) if flags & 2 else (0, here)
        if kind == 4:
            raise Locked  # all that follows is encrypted
        if kind == 5:
            return
        if kind == 2:
            block = (at, here, end, end + packed)
            records = data[end - min(extra, end) : end] if extra else b""
            yield _file_5(data, block, records, split=flags & 0x18)
        at = end + packed
    if at != len(data):
        raise Damaged("it ends too soon")


def _file_5(data: bytes, block: tuple[int, int, int, int], records: bytes, *, split: int) -> _File:
    """A file header: `block` is where it begins, where its own fields do, and where both end."""
    start, at, head_end, end = block
    flags, at = _vint(data, at)
    _, at = _vint(data, at)  # size unpacked
    _, at = _vint(data, at)  # attributes
    at += (4 if flags & 2 else 0) + (4 if flags & 4 else 0)
    packing, at = _vint(data, at)
    _, at = _vint(data, at)  # the system it was made on
    length, at = _vint(data, at)
    if flags & 1:
        return _File(start, end)  # a folder
    is_stored = not packing >> 7 & 7
    is_new = not is_stored and packing & 0x3F > _NEWEST
    is_locked = _is_encrypted(records)
    member = Member(
        data[at : min(at + length, head_end)].decode("utf-8", "replace"),
        data[head_end:end] if is_stored and not is_locked else None,
        is_locked=is_locked,
        why_not=_ELSEWHERE if split and not is_locked else "",
        marks=(UNREAD,) if is_new and not is_locked else (),
    )
    return _file(start, end, member, is_packed=not is_stored, is_continued=bool(split & 0x08))


def _is_encrypted(records: bytes) -> bool:
    at = 0
    while at < len(records):
        size, start = _vint(records, at)
        if _vint(records, start)[0] == 1:
            return True
        at = start + max(size, 1)
    return False


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, and where it ends."""
    value = 0
    for place, octet in enumerate(data[at : at + 10]):
        value |= (octet & 0x7F) << (7 * place)
        if not octet & 0x80:
            return value, at + place + 1
    raise Damaged("its table of contents is damaged")


def _number(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(data[at : at + width], "little")
