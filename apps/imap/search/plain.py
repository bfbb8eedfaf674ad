"""Header fields that need no decoding: nearly all are ASCII without encoded words, and what is
searched of them is what stands there. Whatever is odd is left to `apps.mime.searchtext`, which says
the same of these, twenty times slower. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from apps.mime.headers import FIELDS_MAX, HEADER_LIMIT
from apps.mime.searchtext import ADDRESS_FIELDS, DIVIDER

_REST = re.compile(rb"[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*)")
_ODD = re.compile(rb"=\?|[^\t\r\n -~]")
_DIVIDER: Final = DIVIDER.encode()
# `name <local@host>` or `local@host`, where neither comment nor quoting makes the address another
# than it is written. No group stands inside a possessive one (gh-101955).
_ADDRESS = re.compile(
    rb'[ \t\r\n]*+(?:"[^"\\]*+"[ \t\r\n]*+(?=<)|[^()<>@,;:\\"\[\]]++(?=<))?'
    rb'(<)?[^\t\r\n ()<>@,;:\\"\[\]]++@[^\t\r\n ()<>@,;:\\"\[\]]++(?(1)>)[ \t\r\n]*+(?:,|\Z)'
)


def plain_column(header: bytes, name: bytes) -> bytes | None:
    """Return the values of all fields so named, folded, between dividers; b"" if there is no such
    field; None if they have to be decoded.

    Args:
        header: a header block in upper case.
        name: in upper case.
    """
    if len(header) > HEADER_LIMIT or header.count(b"\n") >= FIELDS_MAX:
        return None  # only a part of it is looked at
    is_address = name.lower() in ADDRESS_FIELDS
    values = [b""]
    for value in _values(header, name):
        if _ODD.search(value) or (is_address and not _is_plain_list(value)):
            return None
        values.append(b" ".join(value.split()))
    return _DIVIDER.join([*values, b""]) if values[1:] else b""


def _values(header: bytes, name: bytes) -> Iterator[bytes]:
    """The values of fields, with their line ends: as `headers.scan` finds them."""
    mark = b"\n" + name
    at = 0 if header.startswith(name) else header.find(mark) + 1
    while at or header.startswith(name):
        found = _REST.match(header, at + len(name))
        if found is not None:
            yield found[1]
        at = header.find(mark, at) + 1
        if not at:
            return


def _is_plain_list(value: bytes) -> bool:
    if b"XN--" in value:
        return False
    at = 0
    while at < len(value):
        found = _ADDRESS.match(value, at)
        if found is None:
            return False
        at = found.end()
    return True
