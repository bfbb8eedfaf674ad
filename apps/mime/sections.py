"""Part trees stored, loaded and addressed as IMAP sections (RFC 3501 section 6.4.5).

`dump_parts` writes what one message needs to answer any BODY[...] or BINARY[...] without being
parsed again; `load_parts` reads it back. `section_range` turns a section into octet offsets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from apps.mime.parameters import Parameters
from apps.mime.tree import Part
from apps.wire.errors import Damaged

What = Literal["", "HEADER", "TEXT", "MIME"]

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False, ensure_ascii=False).encode

# One list per part, in message order, parents by index; text as Latin-1 so that octets survive.
# Order of the columns is the stored format: add at the end only.
_PARENT, _HEADER, _BODY, _END, _LINES, _TYPE, _SUBTYPE, _ENCODING = range(8)
_PARAMS, _DISPOSITION, _DISPOSITION_PARAMS, _ID, _DESCRIPTION, _LOCATION = range(8, 14)


def dump_parts(root: Part) -> bytes:
    """Return the tree as compact octets (JSON)."""
    rows: list[list[Any]] = []
    todo: list[tuple[int, Part]] = [(-1, root)]
    while todo:
        parent, part = todo.pop()
        number = len(rows)
        rows.append(_row(parent, part))
        todo.extend((number, child) for child in reversed(part.children))
    return _encode(rows).encode("utf-8")


def _row(parent: int, part: Part) -> list[Any]:
    row: list[Any] = [
        parent,
        part.header_start,
        part.body_start,
        part.body_end,
        part.lines,
        part.type.decode("latin-1"),
        part.subtype.decode("latin-1"),
        part.encoding.decode("latin-1"),
        _dump_params(part.params),
        _dump(part.disposition),
        _dump_params(part.disposition_params),
        _dump(part.id),
        _dump(part.description),
        _dump(part.location),
    ]
    while not row[-1] and row[-1] != "" and len(row) > _PARAMS:
        row.pop()  # None and empty lists at the end say nothing.
    return row


def load_parts(stored: bytes) -> Part:
    """Return the tree `dump_parts` wrote. Envelopes and MD5 are not stored: they are None.

    Raises:
        Damaged: it wrote something else.
    """
    try:
        return _loaded(json.loads(stored))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise Damaged(f"stored parts: {type(error).__name__}: {error}") from error


def _loaded(rows: list[list[Any]]) -> Part:
    parts: list[Part] = []
    for row in rows:
        columns = row + [None] * (_LOCATION + 1 - len(row))
        part = Part(
            columns[_HEADER],
            columns[_BODY],
            columns[_END],
            columns[_TYPE].encode("latin-1"),
            columns[_SUBTYPE].encode("latin-1"),
            _load_params(columns[_PARAMS]),
            columns[_ENCODING].encode("latin-1"),
            lines=columns[_LINES],
            disposition=_load(columns[_DISPOSITION]),
            disposition_params=_load_params(columns[_DISPOSITION_PARAMS]),
            id=_load(columns[_ID]),
            description=_load(columns[_DESCRIPTION]),
            location=_load(columns[_LOCATION]),
        )
        if columns[_PARENT] >= 0:
            parts[columns[_PARENT]].children.append(part)
        parts.append(part)
    return parts[0]


def find_part(root: Part, path: Sequence[int]) -> Part | None:
    """Return the part numbered `path` (from 1), the root for an empty path, None if absent.

    Of a multipart without parts there is the empty one that BODYSTRUCTURE shows.
    """
    part = root
    holder: Part | None = root  # whose parts the next number counts
    for number in path:
        if holder is None:
            return None
        if holder.is_unparted:
            if number != 1:
                return None
            part = Part(holder.body_start, holder.body_start, holder.body_start)
        elif holder.is_multipart:
            if not 1 <= number <= len(holder.children):
                return None
            part = holder.children[number - 1]
        elif number == 1:
            part = holder  # What is no multipart is its own and only part.
        else:
            return None
        holder = _holder(part)
    return part


def _holder(part: Part) -> Part | None:
    """Return what numbers below this part count in: itself, or the message it holds."""
    if part.is_multipart:
        return part
    return part.children[0] if part.is_message else None


def section_range(root: Part, path: Sequence[int], what: What) -> tuple[int, int] | None:
    """Return the octets [start, end) of a section in the message, None if there is no such one.

    An empty path with "" is the whole message. HEADER and TEXT of a numbered part exist only if
    it is a message; MIME is the header of the part itself.
    """
    if not path:
        return _whole_range(root, what)
    part = find_part(root, path)
    if part is None:
        return None
    if what == "":
        return part.body_start, part.body_end
    if what == "MIME":
        return part.header_start, part.body_start
    if not part.is_message:
        return None
    inner = part.children[0]
    if what == "HEADER":
        return inner.header_start, inner.body_start
    return inner.body_start, inner.body_end


def _whole_range(root: Part, what: What) -> tuple[int, int] | None:
    if what == "":
        return root.header_start, root.body_end
    if what == "HEADER":
        return root.header_start, root.body_start
    if what == "TEXT":
        return root.body_start, root.body_end
    return None


def _dump(octets: bytes | None) -> str | None:
    return None if octets is None else octets.decode("latin-1")


def _load(text: str | None) -> bytes | None:
    return None if text is None else text.encode("latin-1")


def _dump_params(params: Parameters) -> list[list[str]]:
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in params]


def _load_params(pairs: list[list[str]] | None) -> Parameters:
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs or ())
