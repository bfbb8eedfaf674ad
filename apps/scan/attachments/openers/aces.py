"""ace: names, and what is stored. Nothing that is well kept unpacks the rest."""

from collections.abc import Iterator

from apps.scan.attachments.budget import Budget, Damaged
from apps.scan.attachments.member import UNREAD, Member

_FILE_KIND, _FILE_64_KIND = 1, 3
_HAS_SIZE, _LOCKED, _IN_PARTS = 0x0001, 0x4000, 0x3000
_FOLDER = 0x10


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What is inside an ace archive."""
    at = 0
    while at + 7 <= len(data):
        budget.count()
        size, kind, flags = _number(data, at + 2, 2), data[at + 4], _number(data, at + 5, 2)
        if size < 3:
            raise Damaged("its table of contents is damaged")
        end = at + 4 + size
        packed = _number(data, at + 7, 4) if flags & _HAS_SIZE else 0
        if kind == _FILE_KIND:
            head = data[at:end]
            if len(head) < 35:
                raise Damaged("it ends too soon")
            if not _number(head, 19, 4) & _FOLDER:
                yield _file(head, flags, data[end : end + packed])
        at = end + packed
    if at != len(data):
        raise Damaged("it ends too soon")


def _file(head: bytes, flags: int, packed: bytes) -> Member:
    name = head[35 : 35 + _number(head, 33, 2)].decode("utf-8", "replace")
    if flags & _LOCKED:
        return Member(name, is_locked=True)
    why_not = "its other half is in another part of the archive" if flags & _IN_PARTS else ""
    if head[27]:
        return Member(name, marks=(UNREAD,), why_not=why_not)
    return Member(name, packed, why_not=why_not)


def _number(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(data[at : at + width], "little")
