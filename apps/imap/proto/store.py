"""STORE as a typed value, and the function that reads its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from apps.imap.proto.flags import Flags, parse_store_flags
from apps.imap.proto.scanner import GrammarError, Scanner
from apps.imap.proto.sets import SequenceSet, parse_set


class StoreMode(Enum):
    """What STORE does with its flags."""

    REPLACE = b"FLAGS"
    ADD = b"+FLAGS"
    REMOVE = b"-FLAGS"


@dataclass(frozen=True, slots=True)
class Store:
    """STORE and UID STORE."""

    numbers: SequenceSet
    mode: StoreMode
    silent: bool
    flags: Flags


def parse_store(scanner: Scanner) -> Store:
    """Set, what to do, flags."""
    scanner.space()
    numbers = parse_set(scanner)
    scanner.space()
    sign = b"+" if scanner.take(b"+") else b"-" if scanner.take(b"-") else b""
    word = scanner.word("FLAGS or FLAGS.SILENT")
    silent = word == b"FLAGS.SILENT"
    if word != b"FLAGS" and not silent:
        raise GrammarError("expected FLAGS or FLAGS.SILENT")
    scanner.space()
    flags = parse_store_flags(scanner)
    scanner.end()
    return Store(numbers, StoreMode(sign + b"FLAGS"), silent, flags)
