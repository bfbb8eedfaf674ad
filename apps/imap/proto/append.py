"""APPEND as a typed value, and the function that reads its arguments."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.imap.proto.dates import parse_date_time
from apps.imap.proto.flags import Flags, parse_flag_list
from apps.imap.proto.scanner import Scanner


@dataclass(frozen=True, slots=True)
class Append:
    """APPEND; the date as Unix seconds and offset in minutes."""

    name: bytes
    flags: Flags
    date: tuple[int, int] | None
    message: bytes = field(repr=False)


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
