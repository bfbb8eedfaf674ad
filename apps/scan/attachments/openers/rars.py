"""rar, versions 4 and 5: the names inside, and content that is stored without packing.

The packing of rar has no open decoder that is small and well kept; names are enough to stop
programs, and a scanner beside this one (ClamAV) reads the rest.
"""

from collections.abc import Iterator
from typing import Final

from apps.scan.attachments.budget import Budget, Damaged, Locked
from apps.scan.attachments.member import UNREAD, Member

_MARK_4: Final = b"Rar!\x1a\x07\x00"
_MARK_5: Final = b"Rar!\x1a\x07\x01\x00"


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What is inside a rar archive."""
    if data.startswith(_MARK_5):
        return _version_5(data, budget)
    if data.startswith(_MARK_4):
        return _version_4(data, budget)
    raise Damaged("it is of an unknown version")


def _version_4(data: bytes, budget: Budget) -> Iterator[Member]:
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
        if kind == 0x74 and flags & 0xE0 != 0xE0:  # a file, and no folder
            yield _file_4(data, at, flags, size, extra)
        if size < 7:
            raise Damaged("its table of contents is damaged")
        at += size + extra
    if at != len(data):
        raise Damaged("it ends too soon")


def _file_4(data: bytes, at: int, flags: int, size: int, packed: int) -> Member:
    name_at = at + 32 + (8 if flags & 0x0100 else 0)
    octets = data[name_at : min(name_at + _number(data, at + 26, 2), at + size)]
    # With the flag, a second spelling follows a NUL, packed; the first one is enough to judge.
    name = octets.split(b"\x00")[0] if flags & 0x0200 else octets
    is_stored = data[at + 25 : at + 26] == b"\x30"
    return _member(
        name.decode("utf-8", "replace"),
        data[at + size : at + size + packed] if is_stored else None,
        is_locked=bool(flags & 0x0004),
    )


def _version_5(data: bytes, budget: Budget) -> Iterator[Member]:
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
            yield from _file_5(data, here, end, extra, packed)
        at = end + packed
    if at != len(data):
        raise Damaged("it ends too soon")


def _file_5(data: bytes, at: int, end: int, extra: int, packed: int) -> Iterator[Member]:
    flags, at = _vint(data, at)
    _, at = _vint(data, at)  # size unpacked
    _, at = _vint(data, at)  # attributes
    at += (4 if flags & 2 else 0) + (4 if flags & 4 else 0)
    packing, at = _vint(data, at)
    _, at = _vint(data, at)  # the system it was made on
    length, at = _vint(data, at)
    if flags & 1:
        return  # a folder
    name = data[at : min(at + length, end)].decode("utf-8", "replace")
    is_stored = not packing >> 7 & 7
    yield _member(
        name,
        data[end : end + packed] if is_stored else None,
        is_locked=_is_encrypted(data[end - min(extra, end) : end] if extra else b""),
    )


def _is_encrypted(records: bytes) -> bool:
    at = 0
    while at < len(records):
        size, start = _vint(records, at)
        if _vint(records, start)[0] == 1:
            return True
        at = start + max(size, 1)
    return False


def _member(name: str, content: bytes | None, *, is_locked: bool) -> Member:
    if is_locked:
        return Member(name, is_locked=True)
    return Member(name, content, marks=() if content is not None else (UNREAD,))


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
