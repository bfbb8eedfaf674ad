"""What is searched of a message, and how texts are compared: one definition for the scan of a
message and for every index, so that both find the same.

`folded` takes away what searchers do not tell apart: case and compatibility forms (RFC 5051),
accents, invisible characters, how white space is written. `search_text` returns what stands in a
message, folded. In a column values stand between dividers, which no folded text contains, so that
nothing is found across two of them.

Promises for any octets: no exception, time linear in the message, at most `TEXT_MAX` characters of
body (and as many of header as `headers.HEADER_LIMIT` lets through).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from apps.mime import charset, decode, parameters
from apps.mime.address import display_domain
from apps.mime.addresslist import HeaderMailbox
from apps.mime.collation import collated
from apps.mime.headers import HEADER_LIMIT, HeaderBlock, decode_text, scan
from apps.mime.htmltext import html_texts
from apps.mime.tree import Part

VERSION: Final = 1
"""To be raised whenever the same message would give another text: indexes are made anew then."""

DIVIDER: Final = "\x1e"
"""Stands before, between and (twice, so that three characters begin everywhere) after the values
of a column."""

PART_MAX: Final = 4 * 1024 * 1024
"""Octets of one part that are looked at; a longer text is searched up to there."""

TEXT_MAX: Final = 8 * 1024 * 1024
"""Characters of all parts of a message that are searched."""

Read = Callable[[int, int], bytes]

ADDRESS_FIELDS: Final = frozenset((b"from", b"to", b"cc", b"bcc", b"sender", b"reply-to"))
"""Their addresses are searched as ENVELOPE tells them too (RFC 9051 section 6.4.4): a field may
write them with comments between their parts, or names with quoted characters."""

_MARKS = re.compile(
    "["
    "\u0300-\u036f\u0483-\u0487\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # accents
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew points
    "\u0610-\u061a\u0640\u064b-\u065f\u0670"  # Arabic points, and the stroke that stretches
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff"  # invisible
    "]+"
)
# Letters that Unicode does not take apart, though people who lack the key do (in upper case here).
_STROKED: Final = str.maketrans(
    dict(zip("ØŁĐÐĦŦƗƵ", "OLDDHTIZ", strict=True)) | {"Æ": "AE", "Œ": "OE", "ẞ": "SS", "Þ": "TH"}
)
_HAS_STROKED = re.compile(f"[{''.join(map(chr, _STROKED))}]")
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_SLICE: Final = 256 * 1024  # Characters folded at a time: one may become eighteen.

# Leaves that are no text/*, yet lines for people or about mail (RFC 3464, RFC 8098, RFC 6533).
_LINES: Final = frozenset(
    b"delivery-status disposition-notification feedback-report global-delivery-status"
    b" global-disposition-notification global-headers tracking-status".split()
)


@dataclass(frozen=True, slots=True)
class SearchText:
    """What stands in a message: columns of folded values between dividers, "" if there are none.

    header: "name: value" of every field. body: texts, HTML without its tags, headers of enclosed
    messages. filename: of all parts.
    """

    sender: str
    to: str
    cc: str
    bcc: str
    subject: str
    header: str
    body: str
    filename: str


def folded(text: str) -> str:
    """Return what `text` is looked for as; folding it again changes nothing.

    May be empty though `text` is not (a lone accent), may be longer, and never has a divider.
    """
    text = _plain(text)
    words = text.split()
    if not words:
        return " " if text else ""
    before = " " if text[0].isspace() else ""
    after = " " if text[-1].isspace() else ""
    return f"{before}{' '.join(words)}{after}"


def _plain(text: str) -> str:
    """As `folded`, white space as it was."""
    text = collated(text)
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    text = _MARKS.sub("", text)
    if _HAS_STROKED.search(text):
        text = text.translate(_STROKED)
    return _UNWRITABLE.sub("\ufffd", text)


def column(values: Iterable[str]) -> str:
    """Return folded values between dividers; "" if there are none."""
    joined = DIVIDER.join(values)
    return f"{DIVIDER}{joined}{DIVIDER}{DIVIDER}" if joined else ""


def field_mark(name: str) -> str:
    """Return what the column `header` has if a message has a field so named, whatever its value."""
    return f"{DIVIDER}{folded(name)}:"


def search_text(header: bytes, root: Part, read: Read) -> SearchText:
    """Return what is searched of a message.

    Args:
        header: its header block as its reader sees it.
        root: its parts.
        read: returns octets [start, end) of the message, as `root` counts them.

    Raises:
        What `read` raises.
    """
    block = scan(header)
    return SearchText(
        field_text(block, b"from"),
        field_text(block, b"to"),
        field_text(block, b"cc"),
        field_text(block, b"bcc"),
        field_text(block, b"subject"),
        header_text(block),
        body_text(root, read),
        filename_text(root),
    )


def field_text(block: HeaderBlock, name: bytes) -> str:
    """Return the column of all fields so named (lower case), the divider before it included."""
    raw = block.all(name)
    if not raw:
        return ""
    values = [decode_text(value) for value in raw]
    if name in ADDRESS_FIELDS:
        values += _envelope_texts(block.addresses(name), "\n".join(values))
    return _column_of(values)


def header_text(block: HeaderBlock) -> str:
    """Return the column `header`: every field with its name, as they stand."""
    return _column_of(_field_lines(block))


def _field_lines(block: HeaderBlock) -> list[str]:
    return [f"{one.name.decode('ascii')}: {decode_text(block.value(one))}" for one in block.fields]


def body_text(root: Part, read: Read) -> str:
    """Return the column `body`. Raises what `read` raises."""
    room = TEXT_MAX
    values = []
    for text in texts(root, read):
        value = _folded_up_to(text, room)
        if value:
            values.append(value)
            room -= len(value)
            if room <= 0:
                break
    return column(values)


def filename_text(root: Part) -> str:
    """Return the column `filename`."""
    names: dict[str, None] = {}
    for part in root.walk():
        names[parameters.text(part.disposition_params, b"filename")] = None
        names[parameters.text(part.params, b"name")] = None
    names.pop("", None)
    return _column_of(names)


def _column_of(values: Iterable[str]) -> str:
    """Fold and join short values, which hold no dividers: all that `headers.clean` has seen."""
    joined = _plain(DIVIDER.join(values))
    return column([" ".join(value.split()) for value in joined.split(DIVIDER)])


def _envelope_texts(mailboxes: Iterable[HeaderMailbox], written: str) -> Iterator[str]:
    """The names and addresses that do not stand in a field as it is written."""
    for name, _, local, host in mailboxes:
        if name and (text := decode_text(name)) not in written:
            yield text
        if not local or not host:
            continue
        text = decode_text(local + b"@" + host)
        if text not in written:
            yield text
        if b"xn--" in host.lower():
            yield display_domain(host.decode("utf-8", "replace").lower())


def texts(root: Part, read: Read) -> Iterator[str]:
    """The texts that BODY searches, as sent."""
    for part in root.walk():
        if part.is_message:
            inner = part.children[0]
            end = min(inner.body_start, inner.header_start + HEADER_LIMIT)
            yield from _field_lines(scan(read(inner.header_start, end)))
        elif part.type == b"text" and part.subtype == b"html":
            yield from html_texts(_part_text(part, read))
        elif part.type == b"text" or part.is_unparted or _is_lines(part):
            yield _part_text(part, read)


def _is_lines(part: Part) -> bool:
    return part.type == b"message" and part.subtype in _LINES


def _part_text(part: Part, read: Read) -> str:
    end = min(part.body_end, part.body_start + PART_MAX)
    octets = decode.body(read(part.body_start, end), part.encoding)
    if end < part.body_end:
        octets = decode.whole_characters(octets)
    return charset.decode(octets, part.charset)


def _folded_up_to(text: str, room: int) -> str:
    """Fold a long text slice by slice, no further than `room` characters of what comes out."""
    pieces: list[str] = []
    in_blank = True  # white space at the ends says nothing
    for start in range(0, len(text), _SLICE):
        piece = folded(text[start : start + _SLICE])
        if in_blank:
            piece = piece.removeprefix(" ")
        if piece:
            in_blank = piece.endswith(" ")
            pieces.append(piece[:room])
            room -= len(piece)
            if room <= 0:
                break
    return "".join(pieces).removesuffix(" ")
