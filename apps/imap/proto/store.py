"""STORE as a typed value, and the function that reads its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from apps.imap.proto.flags import Flags, parse_store_flags
from apps.imap.proto.scanner import NUMBER64_MAX, GrammarError, Scanner, remembering
from apps.imap.proto.sets import SequenceSet, parse_set


class StoreMode(Enum):
    """What STORE does with its flags."""

    REPLACE = b"FLAGS"
    ADD = b"+FLAGS"
    REMOVE = b"-FLAGS"


@dataclass(frozen=True, slots=True)
class Store:
    """STORE and UID STORE; `unchanged_since` is the modseq of RFC 7162 section 3.1.3, if given."""

    numbers: SequenceSet
    mode: StoreMode
    silent: bool
    flags: Flags
    unchanged_since: int | None = None


def parse_store(scanner: Scanner) -> Store:
    """Set, perhaps a modifier (RFC 4466 section 2.5), what to do, flags."""
    scanner.space()
    numbers = parse_set(scanner)
    scanner.space()
    unchanged_since = _modifier(scanner) if scanner.take(b"(") else None
    return Store(numbers, *_change(scanner), unchanged_since)


@remembering
def _change(scanner: Scanner) -> tuple[StoreMode, bool, Flags]:
    sign = b"+" if scanner.take(b"+") else b"-" if scanner.take(b"-") else b""
    word = scanner.word("FLAGS or FLAGS.SILENT")
    silent = word == b"FLAGS.SILENT"
    if word != b"FLAGS" and not silent:
        raise GrammarError("expected FLAGS or FLAGS.SILENT")
    scanner.space()
    flags = parse_store_flags(scanner)
    scanner.end()
    return StoreMode(sign + b"FLAGS"), silent, flags


def _modifier(scanner: Scanner) -> int:
    if scanner.word("UNCHANGEDSINCE") != b"UNCHANGEDSINCE":
        raise GrammarError("expected UNCHANGEDSINCE")
    scanner.space()
    modseq = scanner.number("a mod-sequence", NUMBER64_MAX)
    scanner.expect(b")")
    scanner.space()
    return modseq
