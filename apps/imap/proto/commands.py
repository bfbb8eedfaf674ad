"""Every command as a frozen value, and the function that reads its arguments.

A parser gets a `Scanner` that stands right after the command's name and takes all that follows. It
promises `GrammarError` (or `CharsetError`) for everything that is not in the grammar. Which parser
serves which name is said by `@command` in `apps.imap.handlers`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from apps.imap.proto.dates import parse_date_time
from apps.imap.proto.fetch import FetchItem, parse_items
from apps.imap.proto.flags import Flags, parse_flag_list, parse_store_flags
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.imap.proto.search import SearchProgram, parse_program
from apps.imap.proto.sets import SequenceSet, parse_set

STATUS_ITEMS = (b"MESSAGES", b"RECENT", b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN", b"APPENDLIMIT")
"""Those of RFC 3501, and APPENDLIMIT of RFC 7889 section 3.1."""
ID_FIELDS_MAX = 30
ENABLE_MAX = 30
SELECTION_OPTIONS = frozenset({b"SPECIAL-USE"})
RETURN_OPTIONS = frozenset({b"SPECIAL-USE", b"CHILDREN"})
"""Options of LIST: those of RFC 6154; the rest of RFC 5258 is not offered."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A command without arguments."""


@dataclass(frozen=True, slots=True)
class Login:
    """LOGIN. Never shown: a repr in a log would tell the password."""

    username: bytes
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Authenticate:
    """AUTHENTICATE, with the initial response of RFC 4959 as received (base64, or "=")."""

    mechanism: str
    initial: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A command whose one argument is a mailbox name, as on the wire."""

    name: bytes


@dataclass(frozen=True, slots=True)
class Rename:
    """RENAME."""

    source: bytes
    target: bytes


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


@dataclass(frozen=True, slots=True)
class Append:
    """APPEND; the date as Unix seconds and offset in minutes."""

    name: bytes
    flags: Flags
    date: tuple[int, int] | None
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fetch:
    """FETCH and UID FETCH."""

    numbers: SequenceSet
    items: tuple[FetchItem, ...]


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


@dataclass(frozen=True, slots=True)
class Transfer:
    """COPY and MOVE, by sequence numbers or UIDs."""

    numbers: SequenceSet
    name: bytes


@dataclass(frozen=True, slots=True)
class Numbers:
    """UID EXPUNGE."""

    numbers: SequenceSet


@dataclass(frozen=True, slots=True)
class Search:
    """SEARCH and UID SEARCH."""

    program: SearchProgram


@dataclass(frozen=True, slots=True)
class Identify:
    """ID: what the client says of itself, keys in lower case; {} for NIL."""

    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Enable:
    """ENABLE; names in upper case."""

    names: tuple[bytes, ...]


def parse_plain(scanner: Scanner) -> Plain:
    """No arguments."""
    scanner.end()
    return Plain()


def parse_login(scanner: Scanner) -> Login:
    """User name and password, each an astring."""
    scanner.space()
    username = scanner.astring("a user name")
    scanner.space()
    password = scanner.astring("a password")
    scanner.end()
    return Login(username, password)


def parse_authenticate(scanner: Scanner) -> Authenticate:
    """Mechanism and perhaps an initial response."""
    scanner.space()
    mechanism = scanner.atom("a mechanism").decode("ascii").upper()
    initial = scanner.atom("an initial response in base64") if scanner.take(b" ") else None
    scanner.end()
    return Authenticate(mechanism, initial)


def parse_mailbox(scanner: Scanner) -> Mailbox:
    """One mailbox name."""
    scanner.space()
    name = scanner.astring("a mailbox name")
    scanner.end()
    return Mailbox(name)


def parse_create(scanner: Scanner) -> Mailbox:
    """One mailbox name; the delimiter some clients put last only declares an intent (6.3.3)."""
    command = parse_mailbox(scanner)
    return Mailbox(command.name.removesuffix(b"/"))


def parse_rename(scanner: Scanner) -> Rename:
    """Two mailbox names."""
    scanner.space()
    source = scanner.astring("a mailbox name")
    scanner.space()
    target = scanner.astring("a mailbox name")
    scanner.end()
    return Rename(source, target.removesuffix(b"/"))


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


def parse_append(scanner: Scanner) -> Append:
    """Mailbox name, perhaps flags, perhaps a date, and the message as a literal."""
    scanner.space()
    name = scanner.astring("a mailbox name")
    scanner.space()
    flags = Flags()
    if scanner.peek(b"("):
        flags = parse_flag_list(scanner)
        scanner.space()
    date = None
    if scanner.peek(b'"'):
        date = parse_date_time(scanner.string("a date-time"))
        scanner.space()
    message = scanner.literal("the message as a literal")
    scanner.end()
    return Append(name, flags, date, message.data)


def parse_fetch(scanner: Scanner) -> Fetch:
    """Set and items."""
    scanner.space()
    numbers = parse_set(scanner)
    scanner.space()
    items = parse_items(scanner)
    scanner.end()
    return Fetch(numbers, items)


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


def parse_transfer(scanner: Scanner) -> Transfer:
    """Set and mailbox name."""
    scanner.space()
    numbers = parse_set(scanner)
    scanner.space()
    name = scanner.astring("a mailbox name")
    scanner.end()
    return Transfer(numbers, name)


def parse_numbers(scanner: Scanner) -> Numbers:
    """A set alone."""
    scanner.space()
    numbers = parse_set(scanner)
    scanner.end()
    return Numbers(numbers)


def parse_search(scanner: Scanner) -> Search:
    """Perhaps a charset, and keys."""
    scanner.space()
    return Search(parse_program(scanner))


def parse_id(scanner: Scanner) -> Identify:
    """A list of pairs, or NIL (RFC 2971 section 3.1)."""
    scanner.space()
    fields: dict[str, str] = {}
    if not scanner.take(b"("):
        if scanner.nstring("a list or NIL") is not None:
            raise GrammarError("expected a list or NIL")
    elif not scanner.take(b")"):
        _id_pairs(scanner, fields)
    scanner.end()
    return Identify(tuple(fields.items()))


def _id_pairs(scanner: Scanner, fields: dict[str, str]) -> None:
    for _ in range(ID_FIELDS_MAX):
        key = scanner.string("a field name").decode("utf-8", "replace").lower()
        scanner.space()
        value = scanner.nstring("a value or NIL")
        if value is not None:
            fields.setdefault(key[:30], value.decode("utf-8", "replace")[:1024])
        if not scanner.take(b" "):
            scanner.expect(b")")
            return
    raise GrammarError(f"expected at most {ID_FIELDS_MAX} fields")


def parse_enable(scanner: Scanner) -> Enable:
    """One or more capability names (RFC 5161 section 3.1)."""
    names: dict[bytes, None] = {}
    scanner.space()
    for _ in range(ENABLE_MAX):
        names[scanner.atom("a capability").upper()] = None
        if not scanner.take(b" "):
            scanner.end()
            return Enable(tuple(names))
    raise LimitError(f"At most {ENABLE_MAX} names")
