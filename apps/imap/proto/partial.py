"""A window of results: the argument of PARTIAL (RFC 9394 section 3.1, RFC 5267 section 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from apps.imap.proto.scanner import GrammarError, Scanner

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PartialRange:
    """Places in a list of results, counted from 1, both ends included. `from_end`: -1 is the last
    result."""

    first: int
    last: int
    from_end: bool = False

    @property
    def text(self) -> bytes:
        """The range that an answer repeats."""
        return (b"-%d:-%d" if self.from_end else b"%d:%d") % (self.first, self.last)

    def pick(self, results: Sequence[T]) -> Sequence[T]:
        """Return those of the results that are in the window, in their own order."""
        low, high = self.first, self.last
        if self.from_end:
            size = len(results)
            return results[max(size - high, 0) : max(size - low + 1, 0)]
        return results[low - 1 : high]


def parse_partial(scanner: Scanner) -> PartialRange:
    """Take 1:500, or -1:-500; 500:1 is the same, and made so."""
    from_end = scanner.take(b"-")
    first = _place(scanner)
    scanner.expect(b":")
    if from_end:
        scanner.expect(b"-")
    first, last = sorted((first, _place(scanner)))
    return PartialRange(first, last, from_end)


def _place(scanner: Scanner) -> int:
    place = scanner.number("a range such as 1:500 or -1:-500")
    if not place:
        raise GrammarError("expected places counted from 1")
    return place
