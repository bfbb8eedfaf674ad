"""TNEF, the winmail.dat of Outlook (MS-OXTNEF), by our own small reader.

A list of attributes; an attachment begins with one of them and is described by the next ones. The
library for it has not been kept since 2021, and the format is a page long.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from apps.scan.attachments.budget import Budget, Damaged
from apps.scan.attachments.member import Member

_ATTACHMENT: Final = 2  # level of attributes of an attachment; 1 is the message
_NOT_ALL_THERE: Final = 0  # in the place of a level
_BEGINS, _TITLE, _CONTENT, _PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_TYPES_FIXED: Final = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4}
_TYPES_FIXED_MORE: Final = {0x14: 8, 0x40: 8, 0x48: 16}
_TYPES_LONG: Final = frozenset({0x1E, 0x1F, 0x0D, 0x102})
_DATA_OBJECT, _FILENAME, _LONG_FILENAME = 0x3701, 0x3704, 0x3707
_INTERFACE_ID: Final = 16  # octets before an embedded object


@dataclass
class _Attached:
    name: str = ""
    content: bytes | None = None


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What is attached."""
    current: _Attached | None = None
    is_whole = True
    for level, attribute, value in _attributes(data, budget):
        is_whole = level != _NOT_ALL_THERE
        if level != _ATTACHMENT:
            continue
        if attribute == _BEGINS:
            if current is not None:
                yield Member(current.name, current.content)
            current = _Attached()
        elif current is not None:
            _describe(current, attribute, value, budget)
    if current is not None:
        yield Member(current.name, current.content)
    if not is_whole:
        raise Damaged("it ends too soon")


def _attributes(data: bytes, budget: Budget) -> Iterator[tuple[int, int, bytes]]:
    at = 6  # signature, key
    while at + 9 <= len(data):
        budget.watch()
        level = data[at]
        attribute, size = _number(data, at + 1, 2), _number(data, at + 5, 4)
        if at + 9 + size > len(data):
            yield _NOT_ALL_THERE, attribute, b""
            return
        budget.count()
        budget.spend(size)
        yield level, attribute, data[at + 9 : at + 9 + size]
        at += 9 + size + 2  # and a checksum


def _describe(current: _Attached, attribute: int, value: bytes, budget: Budget) -> None:
    if attribute == _TITLE:
        current.name = current.name or value.rstrip(b"\x00").decode("cp1252", "replace")
    elif attribute == _CONTENT:
        current.content = value
    elif attribute == _PROPERTIES:
        for tag, text in _properties(value, budget):
            if tag in {_LONG_FILENAME, _FILENAME} and text:
                current.name = text.decode("utf-8", "replace").rstrip("\x00")
            elif tag == _DATA_OBJECT and current.content is None:
                # A message inside is TNEF again, after the id of its interface.
                inner = text[_INTERFACE_ID:]
                current.content = inner if inner.startswith(b"\x78\x9f\x3e\x22") else text


def _properties(data: bytes, budget: Budget) -> Iterator[tuple[int, bytes]]:
    """The MAPI properties that have a length of their own; the others are passed over."""
    at = 4
    for _ in range(min(_number(data, 0, 4), 1_000)):
        budget.watch()
        kind, tag = _number(data, at, 2), _number(data, at + 2, 2)
        at += 4
        if tag >= 0x8000:
            at = _past_name(data, at)
        count = 1
        if kind & 0x1000 or kind & 0xFFF in _TYPES_LONG:
            count = min(_number(data, at, 4), 1_000)
            at += 4
        for _ in range(count):
            base = kind & 0xFFF
            if base in _TYPES_LONG:
                size = _number(data, at, 4)
                at += 4
                value = data[at : at + size]
                yield tag, value.decode("utf-16-le", "replace").encode() if base == 0x1F else value
                at += (size + 3) // 4 * 4
            else:
                at += _TYPES_FIXED.get(base) or _TYPES_FIXED_MORE.get(base, 4)
        if at >= len(data):
            return


def _past_name(data: bytes, at: int) -> int:
    kind = _number(data, at + 16, 4)
    if kind == 0:
        return at + 24
    return at + 24 + (_number(data, at + 20, 4) + 3) // 4 * 4


def _number(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(data[at : at + width], "little")
