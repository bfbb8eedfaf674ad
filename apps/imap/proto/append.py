"""What APPEND and REPLACE bring, as typed values, and the functions that read their arguments.

A message is sent whole (RFC 3501 section 6.3.11), as octets (literal8, RFC 3516), as UTF-8
(RFC 6855 section 4) or as pieces, some of which are messages that are here already (CATENATE,
RFC 4469). APPEND takes many of them (MULTIAPPEND, RFC 3502).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.imap.proto.dates import parse_date_time
from apps.imap.proto.flags import Flags, parse_flag_list
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.imap.proto.sets import STAR, SequenceSet

MESSAGES_MAX = 4_000
"""Messages in one APPEND: they are filed by one transaction."""
URLS_MAX = 1_000
"""URLs in all CATENATEs of one command: each is a question to the database."""


@dataclass(frozen=True, slots=True)
class Url:
    """A piece that is here already, as it was named."""

    raw: bytes


Piece = bytes | Url


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One message to save; the date as Unix seconds and offset in minutes.

    pieces: what it consists of, in order.
    is_binary: whether some of it was sent as octets, where line ends and NUL mean themselves.
    is_utf8: whether some of it was sent in the form of RFC 6855.
    """

    flags: Flags
    date: tuple[int, int] | None
    pieces: tuple[Piece, ...] = field(repr=False)
    is_binary: bool = False
    is_utf8: bool = False


@dataclass(frozen=True, slots=True)
class Append:
    """APPEND: one message or more."""

    name: bytes
    messages: tuple[NewMessage, ...]


@dataclass(frozen=True, slots=True)
class Replace:
    """REPLACE: the message that goes, by number or UID, and the one that comes."""

    numbers: SequenceSet
    name: bytes
    message: NewMessage


def parse_append(scanner: Scanner) -> Append:
    """Mailbox name and messages."""
    scanner.space()
    name = scanner.astring("a mailbox name")
    messages: list[NewMessage] = []
    left = URLS_MAX
    scanner.space()
    while not messages or not scanner.at_end:
        message = _message(scanner, left)
        left -= sum(isinstance(piece, Url) for piece in message.pieces)
        messages.append(message)
        if len(messages) > MESSAGES_MAX:
            raise LimitError(f"At most {MESSAGES_MAX} messages in one APPEND")
        if not scanner.at_end:
            scanner.space()
        # Python's IMAPClient sends two of them between messages; a blank at the end many send.
        while scanner.take(b" "):
            pass
    return Append(name, tuple(messages))


def parse_replace(scanner: Scanner) -> Replace:
    """One number or UID, a mailbox name and one message (RFC 8508 section 5)."""
    scanner.space()
    number = STAR
    if not scanner.take(b"*"):
        number = scanner.number("a message number")
        if number == STAR:
            raise GrammarError("expected a message number, counted from 1")
    numbers = SequenceSet(((number, number),))
    scanner.space()
    name = scanner.astring("a mailbox name")
    scanner.space()
    message = _message(scanner, URLS_MAX)
    scanner.end()
    return Replace(numbers, name, message)


def _message(scanner: Scanner, most: int) -> NewMessage:
    """Perhaps flags, perhaps a date, and the message."""
    flags = Flags()
    if scanner.peek(b"("):
        flags = parse_flag_list(scanner)
        scanner.space()
    date = None
    if scanner.peek(b'"'):
        date = parse_date_time(scanner.string("a date-time"))
        scanner.space()
    if scanner.take_word(b"CATENATE ("):
        pieces, is_utf8 = _pieces(scanner, most)
        return NewMessage(flags, date, pieces, is_utf8=is_utf8)
    if scanner.take_word(b"UTF8 ("):
        return NewMessage(flags, date, (_utf8(scanner),), is_utf8=True)
    literal = scanner.literal8("the message as a literal, CATENATE or UTF8")
    return NewMessage(flags, date, (literal.data,), is_binary=literal.binary)


def _pieces(scanner: Scanner, most: int) -> tuple[tuple[Piece, ...], bool]:
    pieces: list[Piece] = []
    is_utf8 = False
    while True:
        if scanner.take_word(b"UTF8 ("):
            is_utf8 = True
            pieces.append(_utf8(scanner))
        else:
            pieces.append(_piece(scanner))
        most -= isinstance(pieces[-1], Url)
        if most < 0:
            raise LimitError(f"At most {URLS_MAX} URLs in one command")
        if not scanner.take(b" "):
            scanner.expect(b")")
            return tuple(pieces), is_utf8


def _piece(scanner: Scanner) -> Piece:
    if scanner.take_word(b"URL "):
        return Url(scanner.astring("a URL"))
    if not scanner.take_word(b"TEXT "):
        raise GrammarError("expected TEXT, UTF8 or URL")
    return scanner.literal("text as a literal").data


def _utf8(scanner: Scanner) -> bytes:
    literal = scanner.literal8("a literal with ~")
    if not literal.binary:
        raise GrammarError("expected a literal with ~")
    scanner.expect(b")")
    return literal.data
