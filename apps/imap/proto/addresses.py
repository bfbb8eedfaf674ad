"""Addresses as an ENVELOPE tells them (RFC 3501 section 7.4.2), read for sorting.

Read from what FETCH sends, because RFC 5256 and RFC 5957 say "addr-mailbox of the first address in
the envelope": what a message is sorted by is what its client sees. Reading stops at the first
address; it is linear in what lies before it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_STRING = re.compile(rb'"((?:[^"\\]|\\.)*+)"|NIL|\{([0-9]++)\}\r\n', re.DOTALL)
_UNESCAPE = re.compile(rb"\\(.)", re.DOTALL)


class Address(NamedTuple):
    """The first address of a field: its octets as the envelope has them, empty for NIL."""

    name: bytes
    mailbox: bytes
    host: bytes


NO_ADDRESS = Address(b"", b"", b"")

FROM, TO, CC = 2, 5, 6
"""Places of fields in an envelope."""


def first_addresses(envelope: bytes, fields: frozenset[int]) -> dict[int, Address]:
    """Return the first address of each of these fields of an envelope; NO_ADDRESS where it has
    none. Of octets that are no envelope, what can be read."""
    found = dict.fromkeys(fields, NO_ADDRESS)
    last, pos = max(fields), 1
    for field in range(last + 1):
        if field in (0, 1):
            _, pos = _string(envelope, pos)
        else:
            first, pos = _list(envelope, pos)
            if field in fields:
                found[field] = first
        pos += 1  # the space
    return found


def _list(raw: bytes, pos: int) -> tuple[Address, int]:
    """The first address of a list of addresses, or of NIL; and what follows."""
    if not raw.startswith(b"(", pos):
        return NO_ADDRESS, _string(raw, pos)[1]
    pos += 1
    first: Address | None = None
    while raw.startswith(b"(", pos):
        name, pos = _string(raw, pos + 1)
        _, pos = _string(raw, pos + 1)
        mailbox, pos = _string(raw, pos + 1)
        host, pos = _string(raw, pos + 1)
        pos += 1
        if first is None:
            first = Address(name, mailbox, host)
    return first or NO_ADDRESS, pos + 1


def _string(raw: bytes, pos: int) -> tuple[bytes, int]:
    found = _STRING.match(raw, pos)
    if found is None:
        return b"", len(raw)
    if found[2] is not None:
        end = found.end() + int(found[2])
        return raw[found.end() : end], end
    if found[1] is None:
        return b"", found.end()
    return _UNESCAPE.sub(rb"\1", found[1]) if b"\\" in found[1] else found[1], found.end()
