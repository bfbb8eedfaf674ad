"""Access control lists on the wire (RFC 4314): rights as text, and what the commands take.

Rights go out in one order, with the virtual `c` and `d` that older clients look for (section
2.1.1); they come in with those two standing for their members.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from apps.imap.proto.scanner import GrammarError, Scanner
from apps.wire.imapstring import imap_string
from apps.wire.scram import saslprep

RIGHTS = "lrswipkxtea"
"""Those of section 2.1, in the order in which they are told."""
EXTRA = "kxte"
"""Those that RFC 2086 did not have: the capability RIGHTS= names them."""

_VIRTUAL = {"c": "kx", "d": "te"}
_RIGHTS_MAX = 100


class Change(Enum):
    """What SETACL does with the rights that are there."""

    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class SetAcl:
    """SETACL; rights are letters of `RIGHTS`."""

    name: bytes
    identifier: str
    change: Change
    rights: frozenset[str]


@dataclass(frozen=True, slots=True)
class MailboxAndIdentifier:
    """DELETEACL and LISTRIGHTS; `as_sent` is the identifier before it was prepared."""

    name: bytes
    identifier: str
    as_sent: bytes


def parse_setacl(scanner: Scanner) -> SetAcl:
    """Mailbox, identifier, and rights with an optional sign."""
    one = _mailbox_and_identifier(scanner)
    scanner.space()
    text = scanner.astring("rights").decode("latin-1")
    scanner.end()
    sign = text[:1] if text[:1] in ("+", "-") else ""
    change = {"": Change.REPLACE, "+": Change.ADD, "-": Change.REMOVE}[sign]
    return SetAcl(one.name, one.identifier, change, _read(text.removeprefix(sign)))


def parse_mailbox_and_identifier(scanner: Scanner) -> MailboxAndIdentifier:
    """Mailbox and identifier."""
    one = _mailbox_and_identifier(scanner)
    scanner.end()
    return one


def _mailbox_and_identifier(scanner: Scanner) -> MailboxAndIdentifier:
    scanner.space()
    name = scanner.astring("a mailbox name")
    scanner.space()
    raw = scanner.astring("an identifier")
    return MailboxAndIdentifier(name, _identifier(raw), raw)


def _identifier(raw: bytes) -> str:
    """Section 3: prepared by SASLprep, and refused where that fails or nothing is left."""
    try:
        identifier = saslprep(raw.decode("utf-8"))
    except ValueError:
        raise GrammarError("expected an identifier in UTF-8, as SASLprep allows it") from None
    if not identifier:
        raise GrammarError("expected an identifier")
    return identifier


def _read(text: str) -> frozenset[str]:
    """Section 3.1: a right that is not known makes the command a bad one."""
    rights: set[str] = set()
    if len(text) > _RIGHTS_MAX:
        raise GrammarError("expected each right once")
    for letter in text:
        members = _VIRTUAL.get(letter, letter)
        if not set(members).issubset(RIGHTS):
            raise GrammarError(f"expected rights of {RIGHTS}cd, in lower case")
        rights.update(members)
    return frozenset(rights)


def rights_text(rights: Collection[str]) -> bytes:
    """Return rights as ACL and MYRIGHTS tell them."""
    told = [letter for letter in RIGHTS if letter in rights]
    told += [virtual for virtual, members in _VIRTUAL.items() if not set(members).isdisjoint(told)]
    return "".join(told).encode("ascii")


def acl_line(mailbox: bytes, entries: Iterable[tuple[str, Collection[str]]]) -> bytes:
    """Return an ACL line (section 3.6). `mailbox` is the name as a string of the protocol."""
    pairs = b"".join(
        b" %b %b" % (imap_string(identifier.encode()), _string(rights_text(rights)))
        for identifier, rights in entries
    )
    return b"* ACL %b%b\r\n" % (mailbox, pairs)


def listrights_line(mailbox: bytes, identifier: bytes, always: Collection[str]) -> bytes:
    """Return a LISTRIGHTS line (section 3.7): what the identifier always has, then what it can be
    given, each for itself: none is tied to another."""
    rest = [letter for letter in RIGHTS if letter not in always]
    rest += [virtual for virtual in _VIRTUAL if not set(_VIRTUAL[virtual]).isdisjoint(rest)]
    optional = b"".join(b" " + letter.encode("ascii") for letter in rest)
    told = _string(rights_text(always))
    return b"* LISTRIGHTS %b %b %b%b\r\n" % (mailbox, imap_string(identifier), told, optional)


def myrights_line(mailbox: bytes, rights: Collection[str]) -> bytes:
    """Return a MYRIGHTS line (section 3.8)."""
    return b"* MYRIGHTS %b %b\r\n" % (mailbox, _string(rights_text(rights)))


def _string(rights: bytes) -> bytes:
    return rights or b'""'
