"""arj: names, what is stored, and what is packed as lzh packs too (methods 1 to 3).

These are the same bits as those of lzh's method lh7, so each file is given to libarchive as an lzh
archive. Method 4, which is for the fastest packing, is not unpacked.
"""

from collections.abc import Iterator
from dataclasses import replace

from apps.scan.attachments import library
from apps.scan.attachments.budget import Budget, Damaged
from apps.scan.attachments.library import Form
from apps.scan.attachments.member import UNREAD, Member

_MARK = b"\x60\xea"
_STORED, _PACKED = 0, (1, 2, 3)
_IN_PARTS = 0x04 | 0x08  # it goes on in another file, or comes from one
_LOCKED = 0x01
_KINDS_OF_FILES = (0, 1)  # binary and text; others are labels and the like


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What is inside an arj archive."""
    at = _after_header(data, 0)  # of the archive itself
    while size := _number(data, at + 2, 2):
        budget.count()
        if data[at : at + 2] != _MARK or size < 30:
            raise Damaged("its table of contents is damaged")
        content, packed = _after_header(data, at), _number(data, at + 16, 4)
        if data[at + 10] in _KINDS_OF_FILES:
            yield _file(data, at + 4, size, data[content : content + packed], budget)
        at = content + packed
        if at > len(data):
            raise Damaged("it ends too soon")


def _after_header(data: bytes, at: int) -> int:
    """Where the content of a header begins: behind its checksum and further headers."""
    at += 4 + _number(data, at + 2, 2) + 4
    while size := _number(data, at, 2):
        at += 2 + size + 4
    if at + 2 > len(data):
        raise Damaged("it ends too soon")
    return at + 2


def _file(data: bytes, at: int, size: int, packed: bytes, budget: Budget) -> Member:
    """A file; `at` and `size` are of the header's own fields."""
    octets = data[at + data[at] : at + size].partition(b"\x00")[0]
    name = octets.decode("utf-8", "replace")
    flags, method, full = data[at + 4], data[at + 5], _number(data, at + 16, 4)
    if flags & _LOCKED:
        return Member(name, is_locked=True)
    why_not = "its other half is in another part of the archive" if flags & _IN_PARTS else ""
    if method == _STORED:
        return Member(name, packed, why_not=why_not)
    if method not in _PACKED:
        return Member(name, marks=(UNREAD,), why_not=why_not)
    lzh = _as_lzh(packed, full)
    found = next(library.named(lzh, Form.LHA, ["a"], budget))
    return replace(found, name=name, why_not=why_not or found.why_not)


def _as_lzh(packed: bytes, size: int) -> bytes:
    """An lzh archive (header of level 0, without checksum) of one file."""
    fields = b"-lh7-" + len(packed).to_bytes(4, "little") + size.to_bytes(4, "little")
    fields += bytes(4) + b"\x20\x00\x01a"
    return bytes((len(fields), sum(fields) & 0xFF)) + fields + packed + b"\x00"


def _number(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(data[at : at + width], "little")
