"""SELECT and EXAMINE as a typed value, and the function that reads their arguments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from apps.imap.proto.scanner import NUMBER64_MAX, GrammarError, Scanner
from apps.imap.proto.sets import STAR, Interval, SequenceSet, parse_set


@dataclass(frozen=True, slots=True)
class Known:
    """What a client knows of a mailbox from an earlier session (RFC 7162 section 3.2.5).

    uids: of the messages it keeps; None for all.
    matched: pairs of runs of equal length, sequence numbers and the UIDs they had, rising: bounded
        by what was sent, however many numbers they stand for.
    """

    uidvalidity: int
    modseq: int
    uids: SequenceSet | None = None
    matched: tuple[tuple[Interval, Interval], ...] = ()


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT and EXAMINE; the mailbox name as on the wire."""

    name: bytes
    condstore: bool = False
    known: Known | None = None


def parse_select(scanner: Scanner) -> Select:
    """A mailbox name, perhaps parameters (RFC 4466 section 2.1)."""
    scanner.space()
    name = scanner.astring("a mailbox name")
    condstore = False
    known: Known | None = None
    if scanner.take(b" ("):
        while True:
            word = scanner.word("CONDSTORE or QRESYNC")
            if word == b"QRESYNC" and known is None:
                scanner.space()
                known = _known(scanner)
            elif word == b"CONDSTORE" and not condstore:
                condstore = True
            else:
                raise GrammarError("expected CONDSTORE or QRESYNC, each once")
            if not scanner.take(b" "):
                break
        scanner.expect(b")")
    scanner.end()
    return Select(name, condstore, known)


def _known(scanner: Scanner) -> Known:
    scanner.expect(b"(")
    uidvalidity = _positive(scanner.number("a UIDVALIDITY"))
    scanner.space()
    modseq = _positive(scanner.number("a mod-sequence", NUMBER64_MAX))
    uids: SequenceSet | None = None
    matched: tuple[tuple[Interval, Interval], ...] = ()
    if scanner.take(b" "):
        if not scanner.peek(b"("):
            uids = _without_star(parse_set(scanner))
        if uids is None or scanner.take(b" "):
            matched = _matched(scanner)
    scanner.expect(b")")
    return Known(uidvalidity, modseq, uids, matched)


def _positive(number: int) -> int:
    if not number:
        raise GrammarError("expected a number above 0")
    return number


def _without_star(numbers: SequenceSet) -> SequenceSet:
    if numbers.is_saved or any(STAR in pair for pair in numbers.ranges):
        raise GrammarError("expected a set without *")
    return numbers


def _matched(scanner: Scanner) -> tuple[tuple[Interval, Interval], ...]:
    scanner.expect(b"(")
    seqs = _ascending(_without_star(parse_set(scanner)))
    scanner.space()
    uids = _ascending(_without_star(parse_set(scanner)))
    scanner.expect(b")")
    pairs: list[tuple[Interval, Interval]] = []
    while seqs and uids:
        (seq, last_seq), (uid, last_uid) = seqs.pop(), uids.pop()
        length = min(last_seq - seq, last_uid - uid)
        pairs.append(((seq, seq + length), (uid, uid + length)))
        if seq + length < last_seq:
            seqs.append((seq + length + 1, last_seq))
        if uid + length < last_uid:
            uids.append((uid + length + 1, last_uid))
    if seqs or uids:
        raise GrammarError("expected as many UIDs as sequence numbers")
    return tuple(pairs)


def _ascending(numbers: SequenceSet) -> list[Interval]:
    """The ranges, last first."""
    ranges = list(numbers.ranges)
    if any(low > high for low, high in ranges) or any(
        before[1] >= after[0] for before, after in pairwise(ranges)
    ):
        raise GrammarError("expected a set in ascending order")
    return ranges[::-1]
