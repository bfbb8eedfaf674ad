"""A little reader of IMAP data (RFC 3501 section 9), independent of the code that writes them.

`read_list` turns "(...)" into Python lists: strings and atoms as `str` (Latin-1), NIL as None,
numbers as `int`. It is strict: what the grammar does not allow raises `ValueError`.
"""

from __future__ import annotations

import re
from typing import Any

_QUOTED = re.compile(rb'"((?:[^"\\\r\n\x00\x80-\xff]|\\["\\])*)"')
_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n")
_NUMBER = re.compile(rb"[0-9]+(?=[ )])")
_NIL = re.compile(rb"NIL(?=[ )])")
# The name of a FETCH item, with its section and where its octets begin.
_ATOM = re.compile(rb"[A-Z0-9.]+(?:\[[^\]]*\])?(?:<[0-9]+>)?(?=[ )])")

Value = Any  # str | int | None | list[Value]


def read_list(data: bytes) -> list[Value]:
    """Return the one list that `data` is."""
    if not data.startswith(b"("):
        raise ValueError(f"no list: {data[:40]!r}")
    top: list[Value] = []
    stack = [top]
    at = 1
    while True:
        if at >= len(data):
            raise ValueError("list is not closed")
        if data[at] == 0x29:
            done = stack.pop()
            at += 1
            if not stack:
                break
            stack[-1].append(done)
        else:
            at = _take(data, at, stack)
    if at != len(data):
        raise ValueError(f"more behind the list: {data[at : at + 40]!r}")
    return top


def _take(data: bytes, at: int, stack: list[list[Value]]) -> int:
    """Take one value, or the beginning of a list; return where the next one is."""
    into = stack[-1]
    if data[at] == 0x20:
        at += 1
        if not into or data[at : at + 1] in (b" ", b")"):
            raise ValueError(f"space at {at}: {data[at - 20 : at + 20]!r}")
    elif into and not (data[at] == 0x28 and isinstance(into[-1], list)):
        raise ValueError(f"no space at {at}: {data[at - 20 : at + 20]!r}")
    if data[at] == 0x28:
        stack.append([])
        return at + 1
    value, at = _scalar(data, at)
    into.append(value)
    return at


def _scalar(data: bytes, at: int) -> tuple[Value, int]:
    if (found := _QUOTED.match(data, at)) is not None:
        return re.sub(rb"\\(.)", rb"\1", found[1]).decode("latin-1"), found.end()
    if (found := _LITERAL.match(data, at)) is not None:
        end = found.end() + int(found[1])
        octets = data[found.end() : end]
        if end > len(data) or b"\0" in octets:
            raise ValueError(f"bad literal at {at}")
        return octets.decode("latin-1"), end
    if (found := _NIL.match(data, at)) is not None:
        return None, found.end()
    if (found := _NUMBER.match(data, at)) is not None:
        return int(found[0]), found.end()
    if (found := _ATOM.match(data, at)) is not None:
        return found[0].decode("ascii"), found.end()
    raise ValueError(f"no value at {at}: {data[at : at + 40]!r}")
