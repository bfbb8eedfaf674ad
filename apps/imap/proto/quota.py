"""Quotas on the wire (RFC 9208): what the commands take, and the lines that answer them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apps.imap.proto.scanner import NUMBER64_MAX, GrammarError, Scanner
from apps.wire.imapstring import imap_string

_RESOURCES_MAX = 20


@dataclass(frozen=True, slots=True)
class Root:
    """GETQUOTA and SETQUOTA: the name of a quota root."""

    name: bytes


def parse_getquota(scanner: Scanner) -> Root:
    """A quota root."""
    root = _root(scanner)
    scanner.end()
    return root


def parse_setquota(scanner: Scanner) -> Root:
    """A quota root and limits, which are read and not kept: they are not a user's to set."""
    root = _root(scanner)
    scanner.space()
    scanner.expect(b"(")
    if not scanner.take(b")"):
        _limits(scanner)
    scanner.end()
    return root


def _root(scanner: Scanner) -> Root:
    scanner.space()
    return Root(scanner.astring("a quota root"))


def _limits(scanner: Scanner) -> None:
    for _ in range(_RESOURCES_MAX):
        scanner.atom("a resource")
        scanner.space()
        scanner.number("a limit", NUMBER64_MAX)
        if not scanner.take(b" "):
            scanner.expect(b")")
            return
    raise GrammarError(f"expected at most {_RESOURCES_MAX} resources")


def quota_line(root: str, resources: Iterable[tuple[bytes, int, int]]) -> bytes:
    """Return a QUOTA line (section 4.2.1): (resource, usage, limit) of what is limited."""
    triplets = b" ".join(b"%b %d %d" % one for one in resources)
    return b"* QUOTA %b (%b)\r\n" % (imap_string(root.encode()), triplets)


def quotaroot_line(mailbox: bytes, roots: Iterable[str]) -> bytes:
    """Return a QUOTAROOT line (section 4.2.2). `mailbox` is the name as a string of the
    protocol."""
    names = b"".join(b" " + imap_string(root.encode()) for root in roots)
    return b"* QUOTAROOT %b%b\r\n" % (mailbox, names)
