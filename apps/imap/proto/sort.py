"""SORT and THREAD (RFC 5256, 5267, 5957, 6203): what to sort by, how to thread."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from apps.imap.proto.returns import Refusal, Returns, parse_refusable, parse_returns
from apps.imap.proto.scanner import GrammarError, Scanner
from apps.imap.proto.search import SearchProgram, parse_program_in_charset


class Key(Enum):
    """What messages are sorted by."""

    ARRIVAL = auto()
    CC = auto()
    DATE = auto()
    DISPLAYFROM = auto()
    DISPLAYTO = auto()
    FROM = auto()
    RELEVANCY = auto()
    SIZE = auto()
    SUBJECT = auto()
    TO = auto()


class Algorithm(Enum):
    """How messages are threaded."""

    ORDEREDSUBJECT = auto()
    REFERENCES = auto()
    REFS = auto()


@dataclass(frozen=True, slots=True)
class Criterion:
    """One sort criterion. RELEVANCY has the most relevant first."""

    key: Key
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """SORT and UID SORT; the rest as in `Search`."""

    criteria: tuple[Criterion, ...]
    program: SearchProgram
    returns: Returns | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """THREAD and UID THREAD."""

    algorithm: Algorithm
    program: SearchProgram


def parse_sort(scanner: Scanner) -> Sort:
    """Perhaps RETURN, criteria, a charset, and keys."""
    scanner.space()
    returns = parse_returns(scanner)
    criteria = _criteria(scanner)
    scanner.space()
    program, refusal = parse_refusable(scanner, returns, parse_program_in_charset)
    if refusal is None and not program.is_fuzzy and any(c.key is Key.RELEVANCY for c in criteria):
        raise GrammarError("expected FUZZY where RELEVANCY is sorted by")
    return Sort(criteria, program, returns, refusal)


def _criteria(scanner: Scanner) -> tuple[Criterion, ...]:
    scanner.expect(b"(")
    # Each once: of two alike the second decides nothing.
    found: dict[Key, Criterion] = {}
    while True:
        word = scanner.word("a sort criterion").decode("ascii")
        reverse = word == "REVERSE"
        if reverse:
            scanner.space()
            word = scanner.word("a sort criterion").decode("ascii")
        if word not in Key.__members__:
            raise GrammarError("expected a sort criterion such as DATE or REVERSE SIZE")
        found.setdefault(Key[word], Criterion(Key[word], reverse))
        if scanner.take(b")"):
            return tuple(found.values())
        scanner.space()


def parse_thread(scanner: Scanner) -> Thread:
    """An algorithm, a charset, and keys."""
    scanner.space()
    word = scanner.word("a threading algorithm").decode("ascii")
    if word not in Algorithm.__members__:
        raise GrammarError("expected a threading algorithm such as REFERENCES")
    scanner.space()
    return Thread(Algorithm[word], parse_program_in_charset(scanner))
