"""LIST, LSUB, STATUS and CREATE as typed values, and the functions that read their arguments.

LIST is the one of RFC 5258 with the options of RFC 5819 (STATUS), 6154 (SPECIAL-USE), 8440
(MYRIGHTS) and 9590 (METADATA).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from apps.imap.proto.metadata import parse_entries
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner

STATUS_ITEMS = (
    b"MESSAGES",
    b"RECENT",
    b"UIDNEXT",
    b"UIDVALIDITY",
    b"UNSEEN",
    b"SIZE",
    b"DELETED",
    b"DELETED-STORAGE",
    b"HIGHESTMODSEQ",
    b"MAILBOXID",
    b"APPENDLIMIT",
)
"""Those of RFC 3501 and 9051, and of RFC 8438, 9208, 7162, 8474, 7889."""
SELECTION_OPTIONS = frozenset({b"SUBSCRIBED", b"REMOTE", b"RECURSIVEMATCH", b"SPECIAL-USE"})
PATTERNS_MAX = 50
"""Patterns of one LIST: each is tried on every mailbox."""
USES_MAX = 20


@dataclass(frozen=True, slots=True)
class List:
    """LIST and LSUB.

    extended: with options or a list of patterns (RFC 5258): an empty pattern is nothing special
        then.
    selects, returns: options, in upper case. REMOTE changes nothing: there are no remote mailboxes.
    status: what RETURN (STATUS (...)) asks for; entries: what RETURN (METADATA (...)) does,
        as the client calls them, by their names in lower case.
    """

    reference: bytes
    patterns: tuple[bytes, ...]
    extended: bool = False
    selects: frozenset[bytes] = frozenset()
    returns: frozenset[bytes] = frozenset()
    status: tuple[bytes, ...] = ()
    entries: Mapping[bytes, bytes] = field(default_factory=dict)

    @property
    def criteria(self) -> tuple[bytes, ...]:
        """The options that a mailbox itself must meet, in order."""
        return tuple(sorted(self.selects & {b"SUBSCRIBED", b"SPECIAL-USE"}))


@dataclass(frozen=True, slots=True)
class Status:
    """STATUS; items in upper case, each once."""

    name: bytes
    items: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Create:
    """CREATE. `uses` are special-use attributes in upper case, as sent (RFC 6154 section 3)."""

    name: bytes
    uses: tuple[bytes, ...] = ()


def parse_lsub(scanner: Scanner) -> List:
    """Reference and pattern."""
    scanner.space()
    reference = scanner.astring("a reference name")
    scanner.space()
    command = List(reference, (scanner.list_mailbox(),))
    scanner.end()
    return command


def parse_list(scanner: Scanner) -> List:
    """Perhaps selection options, reference, pattern or patterns, perhaps return options."""
    scanner.space()
    selects: set[bytes] = set()
    extended = scanner.peek(b"(")
    if extended:
        selects = _selection(scanner)
        scanner.space()
    reference = scanner.astring("a reference name")
    scanner.space()
    if scanner.peek(b"("):
        extended = True
        patterns = _patterns(scanner)
    else:
        patterns = (scanner.list_mailbox(),)
    returned = _Returned()
    if scanner.take_word(b" RETURN"):
        extended = True
        scanner.space()
        _in_parentheses(scanner, returned.take)
    scanner.end()
    return List(
        reference,
        patterns,
        extended,
        frozenset(selects),
        frozenset(returned.options),
        returned.status,
        returned.entries,
    )


def _selection(scanner: Scanner) -> set[bytes]:
    found: set[bytes] = set()

    def take() -> None:
        word = scanner.word("a selection option")
        if word not in SELECTION_OPTIONS:
            raise GrammarError("expected one of the options " + _listed(SELECTION_OPTIONS))
        found.add(word)

    _in_parentheses(scanner, lambda _: take())
    if b"RECURSIVEMATCH" in found and found <= {b"RECURSIVEMATCH", b"REMOTE"}:
        raise GrammarError("expected another selection option beside RECURSIVEMATCH")
    return found


def _patterns(scanner: Scanner) -> tuple[bytes, ...]:
    scanner.expect(b"(")
    found: dict[bytes, None] = {}
    while True:
        found[scanner.list_mailbox()] = None
        if len(found) > PATTERNS_MAX:
            raise LimitError(f"At most {PATTERNS_MAX} patterns")
        if not scanner.take(b" "):
            break
    scanner.expect(b")")
    return tuple(found)


class _Returned:
    """The return options so far: one that is told twice counts once (RFC 5258 section 3)."""

    def __init__(self) -> None:
        self.options: set[bytes] = set()
        self.status: tuple[bytes, ...] = ()
        self.entries: dict[bytes, bytes] = {}
        self._values: dict[bytes, Callable[[Scanner], None]] = {
            b"SUBSCRIBED": _nothing,
            b"CHILDREN": _nothing,
            b"SPECIAL-USE": _nothing,
            b"MYRIGHTS": _nothing,
            b"STATUS": self._take_status,
            b"METADATA": self._take_entries,
        }

    def take(self, scanner: Scanner) -> None:
        """Take one option with its value."""
        word = scanner.word("a return option")
        value = self._values.get(word)
        if value is None:
            raise GrammarError("expected one of the options " + _listed(self._values))
        value(scanner)
        self.options.add(word)

    def _take_status(self, scanner: Scanner) -> None:
        scanner.space()
        self.status = tuple(dict.fromkeys(self.status + parse_status_items(scanner)))

    def _take_entries(self, scanner: Scanner) -> None:
        scanner.space()
        self.entries |= parse_entries(scanner)


def _nothing(_: Scanner) -> None:
    """The option has no value."""


def _in_parentheses(scanner: Scanner, take: Callable[[Scanner], None]) -> None:
    """Take any number of things, none too."""
    scanner.expect(b"(")
    if scanner.take(b")"):
        return
    take(scanner)
    while not scanner.take(b")"):
        scanner.space()
        take(scanner)


def _listed(words: Iterable[bytes]) -> str:
    return ", ".join(sorted(word.decode("ascii") for word in words))


def parse_status(scanner: Scanner) -> Status:
    """Mailbox name and the items in parentheses."""
    scanner.space()
    name = scanner.astring("a mailbox name")
    scanner.space()
    items = parse_status_items(scanner)
    scanner.end()
    return Status(name, items)


def parse_status_items(scanner: Scanner) -> tuple[bytes, ...]:
    """STATUS items in parentheses, at least one."""
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
    return tuple(items)


def parse_create(scanner: Scanner) -> Create:
    """One mailbox name, perhaps with parameters (RFC 4466 section 2.2). The delimiter that some
    clients put last only declares an intent (RFC 3501 section 6.3.3)."""
    scanner.space()
    name = scanner.astring("a mailbox name").removesuffix(b"/")
    uses: dict[bytes, None] = {}
    if scanner.take(b" "):
        if not scanner.peek(b"("):
            raise GrammarError("expected parameters in parentheses")
        _in_parentheses(scanner, partial(_create_parameter, uses))
    scanner.end()
    return Create(name, tuple(uses))


def _create_parameter(uses: dict[bytes, None], scanner: Scanner) -> None:
    if scanner.word("a parameter of CREATE") != b"USE":
        raise GrammarError("expected the parameter USE")
    scanner.space()
    _in_parentheses(scanner, partial(_use, uses))


def _use(uses: dict[bytes, None], scanner: Scanner) -> None:
    scanner.expect(b"\\")
    uses[b"\\" + scanner.atom("a special-use attribute").upper()] = None
    if len(uses) > USES_MAX:
        raise LimitError(f"At most {USES_MAX} special uses")
