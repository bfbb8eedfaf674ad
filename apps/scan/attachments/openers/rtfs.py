"""RTF: objects embedded as hexadecimal digits, which readers hand to other programs."""

import re
from collections.abc import Iterator
from typing import Final

from apps.scan.attachments.budget import Budget
from apps.scan.attachments.member import OBJECT, Member

_OBJECT: Final = re.compile(rb"\\objdata[^0-9a-fA-F{}\\]{0,64}([^}]{16,}+)", re.I)
# Control words within the digits are passed over by readers: attackers scatter them there.
_NO_DIGIT: Final = re.compile(rb"\\[a-zA-Z]{1,32}-?[0-9]{0,10} ?|[^0-9a-fA-F]")
_OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1")


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """The objects inside."""
    for found in _OBJECT.finditer(data):
        budget.count()
        digits = _NO_DIGIT.sub(b"", found[1])
        content = bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))
        budget.spend(len(content))
        start = content.find(_OLE)
        yield Member("", content[start:] if start >= 0 else content, marks=(OBJECT,))
