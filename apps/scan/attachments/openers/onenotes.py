"""Files inside OneNote sections (MS-ONESTORE 2.6.13): each stands behind a mark of its own."""

from collections.abc import Iterator
from typing import Final

from apps.scan.attachments.budget import Budget
from apps.scan.attachments.member import Member

# FileDataStoreObject, {BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC}
_MARK: Final = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
_BEFORE: Final = 36  # octets from the mark to the content: size in 8 of them


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What is inside a section."""
    at = data.find(_MARK)
    while at >= 0:
        budget.count()
        size = int.from_bytes(data[at + 16 : at + 24], "little")
        start = at + _BEFORE
        content = data[start : start + min(size, budget.limits.member)]
        budget.spend(len(content))
        yield Member("", content, is_cut=size > len(content))
        at = data.find(_MARK, start + len(content))
