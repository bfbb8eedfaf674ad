"""A message as signers see it: header fields as they stand, top to bottom, and the body.

Only CRLF ends a line here, as on the wire (RFC 6376 section 3.4 works on what is transmitted). A
line that is no field belongs to none and is signed by nobody.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HEADER_MAX: Final = 1 << 20  # octets: four times what is read for display
FIELDS_MAX: Final = 5_000  # honest headers have a hundred; a million would cost a second
Body = bytes | memoryview
_FIELD_END: Final = re.compile(rb"\r\n(?![ \t])")
_NAME: Final = re.compile(rb"([!-9;-~]+)[ \t]*:")


class HeaderTooLargeError(ValueError):
    """The header is larger than any honest one: nothing in it is signed or believed."""


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One field.

    Args:
        name: lower case.
        raw: the whole field with folding and spelling, without its last CRLF.
        value: what follows the colon, as it stands.
    """

    name: bytes
    raw: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """Header fields from top to bottom, and the body.

    Args:
        body: a view of what was split where that is possible, as copying 50 MB would hold up all
            others for 50 ms.
    """

    fields: tuple[HeaderField, ...]
    body: Body

    @property
    def header_size(self) -> int:
        """Octets of all fields."""
        return sum(len(field.raw) for field in self.fields)

    def named(self, name: bytes) -> list[HeaderField]:
        """All fields of a name (lower case), top to bottom."""
        return [field for field in self.fields if field.name == name]


def split(raw: bytes, *, prefix: bytes = b"", cuts: Sequence[tuple[int, int]] = ()) -> Message:
    """Take a message apart.

    Args:
        prefix: lines that go before it.
        cuts: ranges of `raw` that are not sent, in rising order.

    Raises:
        HeaderTooLargeError
    """
    if raw.startswith(b"\r\n"):
        end, body_start = 0, 2
    else:
        found = raw.find(b"\r\n\r\n", 0, HEADER_MAX + 4)
        end, body_start = (found + 2, found + 4) if found >= 0 else (len(raw), len(raw))
    if end > HEADER_MAX:
        raise HeaderTooLargeError("the header is too large")
    header = prefix + b"".join(_without(raw, cuts, 0, end))
    pieces = _without(raw, cuts, body_start, len(raw))
    body = pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))
    return Message(read_fields(header), body)


def read_fields(header: bytes) -> tuple[HeaderField, ...]:
    """Return the fields of a header block.

    Raises:
        HeaderTooLargeError: there are more than FIELDS_MAX.
    """
    pieces = _FIELD_END.split(header, FIELDS_MAX)
    if len(pieces) > FIELDS_MAX and pieces[-1]:
        raise HeaderTooLargeError("the header has too many fields")
    fields = []
    for raw in pieces:
        found = _NAME.match(raw)
        if found is not None:
            fields.append(HeaderField(found[1].lower(), raw, raw[found.end() :]))
    return tuple(fields)


def _without(raw: bytes, cuts: Sequence[tuple[int, int]], start: int, end: int) -> list[memoryview]:
    """What is left between `start` and `end`, in pieces; at least one, which may be empty."""
    view = memoryview(raw)
    pieces = []
    at = start
    for cut_start, cut_end in cuts:
        if cut_end <= at or cut_start >= end:
            continue
        pieces.append(view[at : max(cut_start, at)])
        at = min(cut_end, end)
    pieces.append(view[at:end])
    return pieces
