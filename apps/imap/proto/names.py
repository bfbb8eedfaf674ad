"""LIST, LSUB and STATUS as typed values, and the functions that read their arguments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apps.imap.proto.scanner import GrammarError, Scanner

STATUS_ITEMS = (b"MESSAGES", b"RECENT", b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN", b"APPENDLIMIT")
"""Those of RFC 3501, and APPENDLIMIT of RFC 7889 section 3.1."""
SELECTION_OPTIONS = frozenset({b"SPECIAL-USE"})
RETURN_OPTIONS = frozenset({b"SPECIAL-USE", b"CHILDREN"})
"""Options of LIST: those of RFC 6154; the rest of RFC 5258 is not offered."""


@dataclass(frozen=True, slots=True)
class List:
    """LIST and LSUB.

    extended: with options (RFC 5258): an empty pattern is nothing special then.
    only_special: the selection option SPECIAL-USE (RFC 6154 section 2).
    """

    reference: bytes
    pattern: bytes
    extended: bool = False
    only_special: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """STATUS; items in upper case, each once."""

    name: bytes
    items: tuple[bytes, ...]


def parse_lsub(scanner: Scanner) -> List:
    """Reference and pattern."""
    scanner.space()
    command = List(*_reference_and_pattern(scanner))
    scanner.end()
    return command


def parse_list(scanner: Scanner) -> List:
    """Perhaps selection options, reference and pattern, perhaps return options (RFC 6154)."""
    scanner.space()
    selected: set[bytes] = set()
    extended = scanner.peek(b"(")
    if extended:
        selected = _options(scanner, SELECTION_OPTIONS)
        scanner.space()
    reference, pattern = _reference_and_pattern(scanner)
    if scanner.take_word(b" RETURN"):
        # What they ask for is told without being asked, so there is nothing to remember.
        scanner.space()
        _options(scanner, RETURN_OPTIONS)
        extended = True
    scanner.end()
    return List(reference, pattern, extended, b"SPECIAL-USE" in selected)


def _reference_and_pattern(scanner: Scanner) -> tuple[bytes, bytes]:
    reference = scanner.astring("a reference name")
    scanner.space()
    return reference, scanner.list_mailbox()


def _options(scanner: Scanner, known: frozenset[bytes]) -> set[bytes]:
    scanner.expect(b"(")
    found: set[bytes] = set()
    while not scanner.take(b")"):
        if found:
            scanner.space()
        word = scanner.word("a LIST option")
        if word not in known:
            raise GrammarError("expected one of the options " + _listed(known))
        found.add(word)
    return found


def _listed(words: Iterable[bytes]) -> str:
    return ", ".join(sorted(word.decode("ascii") for word in words))


def parse_status(scanner: Scanner) -> Status:
    """Mailbox name and the items in parentheses."""
    scanner.space()
    name = scanner.astring("a mailbox name")
    scanner.space()
    scanner.expect(b"(")
    items: dict[bytes, None] = {}
    while True:
        word = scanner.word("a STATUS item")
        if word not in STATUS_ITEMS:
            raise GrammarError("expected one of the STATUS items " + _listed(STATUS_ITEMS))
        items[word] = None
        if not scanner.take(b" "):
            break
    scanner.expect(b")")
    scanner.end()
    return Status(name, tuple(items))
