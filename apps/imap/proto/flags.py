"""Flags on the wire (RFC 3501 section 2.3.2): system flags as bits, keywords by name.

The bit of a system flag is the one in the table of entries; which bit a keyword has is the
mailbox's own affair and not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.imap.proto.scanner import GrammarError, LimitError, Scanner

SYSTEM = {
    b"\\SEEN": 1,
    b"\\ANSWERED": 2,
    b"\\FLAGGED": 4,
    b"\\DELETED": 8,
    b"\\DRAFT": 16,
}
NAMES = ((2, b"\\Answered"), (4, b"\\Flagged"), (8, b"\\Deleted"), (1, b"\\Seen"), (16, b"\\Draft"))
ALL_SYSTEM = b"\\Answered \\Flagged \\Deleted \\Seen \\Draft"
KEYWORD_MAX = 100
"""Octets of one keyword's name."""
FLAGS_MAX = 100
"""Flags in one list: more than a mailbox has bits for."""


@dataclass(frozen=True, slots=True)
class Flags:
    """A list of flags: system bits, and keywords as written, each once."""

    system: int = 0
    keywords: tuple[str, ...] = ()


def parse_flag_list(scanner: Scanner) -> Flags:
    """Take a parenthesised flag list, perhaps empty."""
    scanner.expect(b"(")
    return Flags() if scanner.take(b")") else _flags(scanner, in_parentheses=True)


def parse_store_flags(scanner: Scanner) -> Flags:
    """Take what STORE takes: a flag list, or flags without parentheses."""
    return parse_flag_list(scanner) if scanner.peek(b"(") else _flags(scanner, in_parentheses=False)


def _flags(scanner: Scanner, *, in_parentheses: bool) -> Flags:
    system = 0
    keywords: dict[str, str] = {}
    for _ in range(FLAGS_MAX):
        name = _flag(scanner)
        if name.startswith(b"\\"):
            # \Recent can be read but never set (section 2.3.2): clients send it back, unmeaning.
            system |= 0 if name.upper() == b"\\RECENT" else _system(name)
        else:
            text = name.decode("ascii")
            keywords.setdefault(text.upper(), text)
        if not scanner.take(b" "):
            break
    else:
        raise LimitError(f"At most {FLAGS_MAX} flags")
    if in_parentheses:
        scanner.expect(b")")
    return Flags(system, tuple(keywords.values()))


def _flag(scanner: Scanner) -> bytes:
    backslash = b"\\" if scanner.take(b"\\") else b""
    name = scanner.atom("a flag")
    if len(name) > KEYWORD_MAX:
        raise LimitError(f"At most {KEYWORD_MAX} characters in the name of a flag")
    return backslash + name


def _system(name: bytes) -> int:
    bit = SYSTEM.get(name.upper())
    if bit is None:
        raise GrammarError("expected a keyword or one of " + ALL_SYSTEM.decode("ascii"))
    return bit


def system_names(bits: int) -> list[bytes]:
    """Return the names of the system flags in `bits`."""
    return [name for bit, name in NAMES if bits & bit]
