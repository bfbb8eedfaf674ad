"""GETMETADATA and SETMETADATA (RFC 5464) as typed values, and the functions that read them.

Names of entries are kept in lower case, for they know none (section 3.2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from apps.imap.proto.scanner import GrammarError, LimitError, Scanner

ENTRIES_MAX = 100
"""Entries of one command: as many as a mailbox may have."""
NAME_MAX = 255
"""Octets of the name of an entry."""

# Section 3.2: no two slashes together and none at the end, ASCII, no controls, no wildcards.
_NAME = re.compile(rb"(?:/[\x20-\x24\x26-\x29\x2b-\x2e\x30-\x7e]+)+")
# Sections 3.2 and 6: below /private or /shared; of a vendor's at least four levels.
_CHANGEABLE = re.compile(rb"/(?:private|shared)/(?!vendor(?:/[^/]+)?$).+")
_SCOPED = re.compile(rb"/(?:private|shared)(?:/.*)?")

DEPTHS = {b"0": 0, b"1": 1, b"INFINITY": None}


@dataclass(frozen=True, slots=True)
class GetMetadata:
    """GETMETADATA.

    name: as on the wire; empty for the server.
    entries: what the client calls them, by their names in lower case.
    depth: levels below each entry; None for all.
    """

    name: bytes
    entries: dict[bytes, bytes]
    most: int | None = None
    depth: int | None = 0


@dataclass(frozen=True, slots=True)
class SetMetadata:
    """SETMETADATA: values by entry in lower case; None removes one."""

    name: bytes
    values: dict[bytes, bytes | None] = field(repr=False)


@dataclass(slots=True)
class _Options:
    most: int | None = None
    depth: int | None = 0


def parse_getmetadata(scanner: Scanner) -> GetMetadata:
    """Options, mailbox and entries. The grammar (section 5) has the options first, all examples
    (section 4.2) have them behind the mailbox: clients do either."""
    options = _Options()
    scanner.space()
    if scanner.peek(b"("):
        _take_options(scanner, options)
        scanner.space()
    name = scanner.astring("a mailbox name")
    scanner.space()
    if _options_are_next(scanner):
        _take_options(scanner, options)
        scanner.space()
    entries = _entries(scanner)
    scanner.end()
    return GetMetadata(name, entries, options.most, options.depth)


def _options_are_next(scanner: Scanner) -> bool:
    return any(scanner.peek(b"(" + letter) for letter in (b"M", b"m", b"D", b"d"))


def _take_options(scanner: Scanner, options: _Options) -> None:
    scanner.expect(b"(")
    while True:
        word = scanner.word("MAXSIZE or DEPTH")
        if word not in {b"MAXSIZE", b"DEPTH"}:
            raise GrammarError("expected MAXSIZE or DEPTH")
        scanner.space()
        if word == b"MAXSIZE":
            options.most = scanner.number("a number of octets")
        else:
            depth = scanner.word("0, 1 or infinity")
            if depth not in DEPTHS:
                raise GrammarError("expected 0, 1 or infinity")
            options.depth = DEPTHS[depth]
        if not scanner.take(b" "):
            break
    scanner.expect(b")")


def _entries(scanner: Scanner) -> dict[bytes, bytes]:
    """One entry, or several in parentheses; also several without, as section 4.4.1 shows them."""
    in_parentheses = scanner.take(b"(")
    found: dict[bytes, bytes] = {}
    while True:
        raw = _entry(scanner)
        found.setdefault(raw.lower(), raw)
        if len(found) > ENTRIES_MAX:
            raise LimitError(f"At most {ENTRIES_MAX} entries")
        if not scanner.take(b" "):
            break
    if in_parentheses:
        scanner.expect(b")")
    return found


def parse_entries(scanner: Scanner) -> dict[bytes, bytes]:
    """Entries in parentheses (RFC 9590 section 5): what the client calls them, by their names in
    lower case."""
    if not scanner.peek(b"("):
        raise GrammarError("expected entries in parentheses")
    return _entries(scanner)


def _entry(scanner: Scanner) -> bytes:
    raw = scanner.astring("the name of an entry")
    if len(raw) > NAME_MAX or not _NAME.fullmatch(raw):
        raise GrammarError("expected the name of an entry")
    if not _SCOPED.fullmatch(raw.lower()):
        raise GrammarError("expected an entry below /private or /shared")
    return raw


def parse_setmetadata(scanner: Scanner) -> SetMetadata:
    """Mailbox, and entries with their values."""
    scanner.space()
    name = scanner.astring("a mailbox name")
    scanner.space()
    scanner.expect(b"(")
    values: dict[bytes, bytes | None] = {}
    while True:
        entry = _entry(scanner).lower()
        if not _CHANGEABLE.fullmatch(entry):
            raise GrammarError("expected an entry that can have a value")
        scanner.space()
        values[entry] = _value(scanner)
        if len(values) > ENTRIES_MAX:
            raise LimitError(f"At most {ENTRIES_MAX} entries")
        if not scanner.take(b" "):
            break
    scanner.expect(b")")
    scanner.end()
    return SetMetadata(name, values)


def _value(scanner: Scanner) -> bytes | None:
    if scanner.next_is_literal():
        return scanner.literal8("a value").data
    return scanner.nstring("a value or NIL")
