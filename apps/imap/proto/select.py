"""SELECT and EXAMINE as a typed value, and the function that reads their arguments."""

from __future__ import annotations

from dataclasses import dataclass

from apps.imap.proto.scanner import Scanner


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT and EXAMINE; the mailbox name as on the wire."""

    name: bytes


def parse_select(scanner: Scanner) -> Select:
    """One mailbox name."""
    scanner.space()
    name = scanner.astring("a mailbox name")
    scanner.end()
    return Select(name)
