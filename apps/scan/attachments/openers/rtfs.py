"""RTF: objects embedded as hexadecimal digits, which readers hand to other programs."""

import re
from collections.abc import Iterator
from typing import Final

from apps.scan.attachments.budget import Budget
from apps.scan.attachments.member import OBJECT, Member
from apps.scan.attachments.openers import oles

_OBJECT: Final = re.compile(rb"\\objdata((?:[^{}]++|\{[^{}]*+\})*+)", re.I)
_LEAST: Final = 16  # octets of an object
# A group that readers do not know they leave out (RTF 1.9, "\*").
_UNKNOWN: Final = re.compile(rb"\{\\\*[^{}]*+\}")
# Control words within the digits are passed over by readers: attackers scatter them there.
_NO_DIGIT: Final = re.compile(rb"\\[a-zA-Z]{1,32}-?[0-9]{0,10} ?|[^0-9a-fA-F]")
_OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1")


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """The objects inside."""
    for found in _OBJECT.finditer(data):
        budget.count()
        digits = _NO_DIGIT.sub(b"", _UNKNOWN.sub(b"", found[1]))
        content = bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))
        budget.spend(len(content))
        if len(content) >= _LEAST:
            yield _object(content)


def _object(content: bytes) -> Member:
    """An object of OLE 1 (MS-OLEDS 2.2.5): version, format, three texts, size, data."""
    start = content.find(_OLE)
    if start >= 0:
        return Member("", content[start:], marks=(OBJECT,))
    at, first = 8, b""
    for number in range(3):
        size = int.from_bytes(content[at : at + 4], "little")
        first = first or content[at + 4 : at + 4 + min(size, 40)]
        at += 4 + size
        if at > len(content) or (number == 0 and not first):
            return Member("", content, marks=(OBJECT,))
    if first.rstrip(b"\x00").lower() == b"package":
        # As OLE 2 has it in `Ole10Native`: its size first.
        return oles.package(content[at:])
    return Member("", content, marks=(OBJECT,))
