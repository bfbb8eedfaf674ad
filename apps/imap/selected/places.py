"""Sets of messages as bits: which places of an array of UIDs are meant. Pure.

A set is a plain `int`, bit n for place n: one octet for eight messages, joined, cut and counted
without a loop. What happens to many messages is worked out once for all sessions that hold the same
array (`Places`), so a hundred thousand changes cost a session some kilobytes and no time.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Sequence

_NOT_ZERO = re.compile(rb"[^\0]", re.DOTALL)
_DIGITS = bytes.maketrans(b"\0\1", b"01")
_BITS = [tuple(bit for bit in range(8) if octet >> bit & 1) for octet in range(256)]


def to_bits(uids: Sequence[int], within: array[int]) -> int:
    """Return the places of these UIDs in a sorted array; what is not there is left out."""
    size = len(within)
    if len(uids) * 8 > size > 0:  # to ask each place is cheaper than to look for each UID
        found = bytes(map(frozenset(uids).__contains__, within))
        return int(found[::-1].translate(_DIGITS), 2)
    marks = bytearray(size // 8 + 1)
    for uid in uids:
        place = bisect_left(within, uid)
        if place < size and within[place] == uid:
            marks[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(marks, "little")


def places_of(bits: int) -> list[int]:
    """Return the places, ascending, in time that grows with octets plus places."""
    octets = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    return [
        found.start() * 8 + bit
        for found in _NOT_ZERO.finditer(octets)
        for bit in _BITS[octets[found.start()]]
    ]


def up_to(count: int) -> int:
    """Return the set of the first `count` places."""
    return (1 << count) - 1


class Places:
    """Messages something happened to, by their UIDs (ascending), for any number of arrays."""

    __slots__ = ("_known", "uids")

    def __init__(self, uids: Sequence[int]) -> None:
        self.uids = uids
        self._known: list[tuple[array[int], int]] = []

    def within(self, uids: array[int]) -> int:
        """Return their bits in this array; worked out once for each array asked for."""
        for known, bits in self._known:
            if known is uids:
                return bits
        bits = to_bits(self.uids, uids)
        self._known.append((uids, bits))
        return bits
