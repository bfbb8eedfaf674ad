"""Every command as a frozen value, and the function that reads its arguments.

A parser gets a `Scanner` that stands right after the command's name and takes all that follows. It
promises `GrammarError` (or `CharsetError`) for everything that is not in the grammar. Which parser
serves which name is said by `@command` in `apps.imap.handlers`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.imap.proto.sets import SequenceSet, parse_set

ID_FIELDS_MAX = 30
ENABLE_MAX = 30


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
class Transfer:
    """COPY and MOVE, by sequence numbers or UIDs."""

    numbers: SequenceSet
    name: bytes


@dataclass(frozen=True, slots=True)
class Numbers:
    """UID EXPUNGE."""

    numbers: SequenceSet


@dataclass(frozen=True, slots=True)
class Identify:
    """ID: what the client says of itself, keys in lower case; {} for NIL."""

    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Enable:
    """ENABLE; names in upper case."""

    names: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Compress:
    """COMPRESS; the name of the algorithm in upper case."""

    algorithm: bytes


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


def parse_compress(scanner: Scanner) -> Compress:
    """The name of an algorithm."""
    scanner.space()
    algorithm = scanner.atom("DEFLATE").upper()
    scanner.end()
    return Compress(algorithm)
