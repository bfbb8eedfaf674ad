"""Mail inside its own signature: S/MIME "opaque signing" (RFC 8551 section 3.5.2, RFC 5652).

Mail programs show what is signed as if it stood there openly, so a scanner must see it too. Only
the content is taken out; nothing is verified.
"""

from collections.abc import Iterator
from typing import Final

from apps.scan.attachments.budget import Budget, Damaged
from apps.scan.attachments.member import Member

_DATA: Final = bytes.fromhex("06092a864886f70d010701")  # id-data, before what is signed
_WITHIN: Final = 4_096  # octets from the beginning: version and algorithms stand before it
_NOTHING_ELSE: Final = b"\x30\x0b"  # a sequence that ends with it: [0] after it is something else
_EXPLICIT: Final = b"\xa0"
_OCTETS, _PIECES = 0x04, 0x24
_UNKNOWN: Final = -1  # a length: until an end mark (BER)


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What is signed, if it is inside: a part of a message with a header of its own."""
    at = data.find(_DATA, 0, _WITHIN)
    is_alone = data[max(at - 2, 0) : at] == _NOTHING_ELSE
    if at < 0 or is_alone or data[at + len(_DATA) : at + len(_DATA) + 1] != _EXPLICIT:
        return  # a signature alone
    _, start, _ = _head(data, at + len(_DATA))
    budget.count()
    content = b"".join(_octets(data, start, budget))
    budget.spend(len(content))
    most = budget.limits.member
    yield Member("", content[:most], declared="message/rfc822", is_cut=len(content) > most)


def _octets(data: bytes, at: int, budget: Budget) -> Iterator[bytes]:
    """An octet string: in one piece, or in many."""
    tag, start, size = _head(data, at)
    if tag == _OCTETS:
        yield data[start : start + size]
        return
    if tag != _PIECES:
        raise Damaged("what is signed is damaged")
    end = len(data) if size == _UNKNOWN else start + size
    at = start
    while at + 2 <= end and data[at] == _OCTETS:
        budget.watch()
        _, start, size = _head(data, at)
        yield data[start : start + size]
        at = start + size


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, where the content begins, how long it is."""
    if at + 2 > len(data):
        raise Damaged("what is signed is damaged")
    tag, first = data[at], data[at + 1]
    if first < 0x80:
        return tag, at + 2, first
    count = first & 0x7F
    if not count:
        return tag, at + 2, _UNKNOWN
    if count > 4:
        raise Damaged("what is signed is damaged")
    start = at + 2 + count
    return tag, start, int.from_bytes(data[at + 2 : start], "big")
