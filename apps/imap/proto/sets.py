"""Sequence sets (RFC 3501 section 9, `sequence-set`): intervals, never lists of numbers.

`1:4294967295` names four thousand million numbers and costs one interval here. A set is resolved
against the numbers that exist by `intervals()`; `apps.imap.selected.view` alone knows what exists.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.imap.proto.scanner import NUMBER_MAX, GrammarError, Scanner

STAR = 0
"""Stands for `*`, the largest number in use; no message has the number 0."""

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Ranges as written, `STAR` for `*`; whether they are UIDs the command says."""

    ranges: tuple[Interval, ...]
    is_saved: bool = False  # `$`: what the last SEARCH saved (RFC 5182); then there are no ranges

    def intervals(self, largest: int) -> list[Interval]:
        """Return sorted, disjoint, inclusive intervals, with `*` read as `largest`.

        `9:*` with a largest of 5 is 5:9 (RFC 3501 section 9: the order of the two is no matter),
        so that `UID FETCH 9:*` always shows the last message.
        """
        ordered = sorted(
            (low, high) if low <= high else (high, low)
            for low, high in ((a or largest, b or largest) for a, b in self.ranges)
        )
        merged: list[Interval] = []
        for low, high in ordered:
            if merged and low <= merged[-1][1] + 1:
                if high > merged[-1][1]:
                    merged[-1] = (merged[-1][0], high)
            else:
                merged.append((low, high))
        return merged


def parse_set(scanner: Scanner) -> SequenceSet:
    """Take a sequence set, or `$` for a saved result, from the command."""
    if scanner.take(b"$"):
        return SequenceSet((), is_saved=True)
    return SequenceSet(tuple(_range(part) for part in scanner.sequence_set().split(b",")))


def _range(part: bytes) -> Interval:
    first, colon, last = part.partition(b":")
    low = _number(first)
    return (low, _number(last)) if colon else (low, low)


def _number(text: bytes) -> int:
    if text == b"*":
        return STAR
    # Ten digits hold 2^32 - 1; the length is looked at first because int() is quadratic.
    if not text.isdigit() or len(text) > 10 or not 0 < int(text) <= NUMBER_MAX:
        raise GrammarError("expected a sequence set such as 1,3:5,*")
    return int(text)


def runs_of(numbers: Iterable[int]) -> list[Interval]:
    """Return numbers, in their order, as intervals of such as follow each other upwards."""
    runs: list[Interval] = []
    low = high = -1
    for number in numbers:
        if number == high + 1 and low >= 0:
            high = number
            continue
        if low >= 0:
            runs.append((low, high))
        low = high = number
    if low >= 0:
        runs.append((low, high))
    return runs


def format_runs(runs: Iterable[Interval]) -> bytes:
    """Write disjoint intervals as a set; at least one."""
    return b",".join([b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in runs])


def format_set(numbers: Sequence[int]) -> bytes:
    """Write numbers in their order as a set, rising runs as ranges; at least one number."""
    return format_runs(runs_of(numbers))


def within(numbers: Sequence[int], intervals: Sequence[Interval]) -> list[int]:
    """Return those of ascending numbers that lie in ascending disjoint intervals."""
    picked: list[int] = []
    for low, high in intervals:
        picked += numbers[bisect_left(numbers, low) : bisect_right(numbers, high)]
    return picked


def gaps(numbers: Sequence[int], intervals: Iterable[Interval]) -> list[Interval]:
    """Return what of ascending disjoint intervals is none of some ascending numbers."""
    found: list[Interval] = []
    for low, high in intervals:
        start = bisect_left(numbers, low)
        for number in numbers[start : bisect_right(numbers, high)]:
            if low < number:
                found.append((low, number - 1))
            low = number + 1
        if low <= high:
            found.append((low, high))
    return found
