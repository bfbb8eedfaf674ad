"""Header blocks over octets: found, cut into fields with offsets, unfolded and decoded.

Promises for any octets: no exception, time linear in what is looked at, and never more than
`limit` octets of header turned into fields (`HeaderBlock.is_cut` tells). Follows what mail
programs do rather than only RFC 5322: bare LF ends a line, a line without a colon is skipped, the
block ends at the first empty line or with the message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from apps.mime import charset, decode
from apps.mime.addresslist import MAILBOXES_MAX, HeaderMailbox, parse_address_list

HEADER_LIMIT = 256 * 1024  # Octets of header block we look into; the largest honest ones have 60 K.
FIELDS_MAX = 2_000  # Fields in one block.
WORD_MAX = 4 * 1024  # Octets in one encoded word; RFC 2047 section 2 allows 75, some senders 2,000.

_BLOCK_END = re.compile(rb"\n\r?\n")
_EMPTY_FIRST_LINE = re.compile(rb"\r?\n")
# A field: name, colon, value with its folded lines. A line that does not fit is no field.
_FIELD = re.compile(
    rb"^([!-9;-~]++)[ \t]*+:[ \t]*+([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)", re.MULTILINE
)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_LINE_ENDS = re.compile(rb"[\r\n]+")
_ENCODED_WORD = re.compile(rb"=\?([!->@-~]{1,80}+)\?([BbQq])\?([^?\r\n]*+)\?=")
_UNSHOWN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+")
_JOINERS = "\u200c\u200d"  # invisible too, and part of how Persian and Hindi are written


class Field(NamedTuple):
    """One field. A tuple, not a dataclass: twenty are made for every message delivered.

    name: lower case. start, end: the whole field with its line end. value_start: first octet of
    the value after colon and white space; the value reaches to `end`, line end included.
    """

    name: bytes
    start: int
    end: int
    value_start: int


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """The header block of a message or part. Offsets are into `raw`.

    Of a field that may stand only once and stands twice, `last` is what Dovecot and Cyrus take
    for a message, `first` what reads safest for the rest. Mailboxes of all fields so named count.
    """

    raw: bytes
    start: int
    body_start: int
    fields: tuple[Field, ...]
    is_cut: bool
    _index: dict[bytes, Field]
    _again: dict[bytes, Field]  # the last one of those that stand more than once
    _lists: dict[bytes, list[HeaderMailbox]]  # what addresses() has read, for the next who asks

    def first(self, name: bytes) -> bytes | None:
        """Return the unfolded value of the first field so named (lower case), None if absent."""
        found = self._index.get(name)
        return None if found is None else self.value(found)

    def last(self, name: bytes) -> bytes | None:
        """Return the unfolded value of the last field so named (lower case), None if absent."""
        found = self._again.get(name) or self._index.get(name)
        return None if found is None else self.value(found)

    def last_as_written(self, name: bytes) -> bytes | None:
        """As `last`, with the white space that IMAP shows: all but that behind the colon."""
        found = self._again.get(name) or self._index.get(name)
        if found is None:
            return None
        return _without_line_ends(self.raw[found.value_start : found.end])

    def first_as_written(self, name: bytes) -> bytes | None:
        """As `last_as_written`, of the first field so named."""
        found = self._index.get(name)
        if found is None:
            return None
        return _without_line_ends(self.raw[found.value_start : found.end])

    def all(self, name: bytes) -> list[bytes]:
        """Return the unfolded values of every field so named, top to bottom."""
        if name not in self._index:
            return []
        return [self.value(field) for field in self.fields if field.name == name]

    def count(self, name: bytes) -> int:
        """Return how many fields are so named."""
        return sum(1 for field in self.fields if field.name == name)

    def addresses(self, name: bytes) -> list[HeaderMailbox]:
        """Return mailboxes and group markers of all fields so named; not to be changed."""
        found = self._lists.get(name)
        if found is None:
            value = self.first(name)
            found = parse_address_list(value) if value else []
            if name in self._again:
                found = self._add_mailboxes(name, found)
            self._lists[name] = found
        return found

    def _add_mailboxes(self, name: bytes, found: list[HeaderMailbox]) -> list[HeaderMailbox]:
        """Return `found`, what the first field so named holds, with those of the further ones."""
        for value in self.all(name)[1:]:
            if len(found) >= MAILBOXES_MAX:
                break
            found += parse_address_list(value)
        return found

    def text(self, name: bytes) -> str:
        """Return the last field so named as text for people, "" if absent."""
        value = self.last(name)
        return "" if value is None else decode_text(value)

    def value(self, field: Field) -> bytes:
        """Return the unfolded value of a field of this block."""
        return unfold(self.raw[field.value_start : field.end])


def scan(
    raw: bytes, *, limit: int = HEADER_LIMIT, start: int = 0, end: int | None = None
) -> HeaderBlock:
    """Return the header block that begins at `start`, looking no further than `end`.

    `start` is the beginning of a line.
    """
    end = len(raw) if end is None else end
    header_end, body_start = _block_end(raw, start, end)
    is_cut = header_end - start > limit
    if is_cut:
        # Cut behind a whole line, so that the last field is not half an address.
        header_end = raw.rfind(b"\n", start, start + limit) + 1 or start + limit
    fields: list[Field] = []
    index: dict[bytes, Field] = {}
    again: dict[bytes, Field] = {}
    for found in _FIELD.finditer(raw, start, header_end):
        name = found[1].lower()
        field = Field(name, found.start(), found.end(), found.start(2))
        fields.append(field)
        if name not in index:
            index[name] = field
        else:
            again[name] = field
        if len(fields) == FIELDS_MAX:
            is_cut = True
            break
    return HeaderBlock(raw, start, body_start, tuple(fields), is_cut, index, again, {})


def _block_end(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the fields end (empty line excluded) and where the body starts."""
    empty = _EMPTY_FIRST_LINE.match(raw, start, end)
    if empty is not None:
        return start, empty.end()
    found = _BLOCK_END.search(raw, start, end)
    return (found.start() + 1, found.end()) if found is not None else (end, end)


def unfold(value: bytes) -> bytes:
    """Return a value on one line, without its line end; RFC 5322 section 2.2.3.

    A bare CR, which some readers take for a line end, becomes a space.
    """
    if b"\n" in value[:-2]:
        value = _FOLD.sub(b"", value)
    value = value.strip()
    return value.replace(b"\r", b" ") if b"\r" in value else value


def _without_line_ends(value: bytes) -> bytes:
    """As `unfold`, but nothing is taken off the ends except the line end."""
    if b"\n" in value[:-2]:
        value = _FOLD.sub(b"", value)
    value = value.rstrip(b"\r\n")
    return value.replace(b"\r", b" ") if b"\r" in value else value


def decode_text(raw: bytes) -> str:
    """Return an unstructured value or a phrase as one line of text for people.

    Encoded words (RFC 2047) are decoded, adjacent ones of one charset joined as octets first:
    senders cut in the middle of characters. What is left is UTF-8 or guessed. Line ends, NUL and
    other controls do not survive, whether raw or encoded (Mailsploit).
    """
    if b"\n" in raw or b"\r" in raw:
        raw = _LINE_ENDS.sub(b"", _FOLD.sub(b"", raw))
    if b"=?" not in raw:
        return clean(raw.decode("ascii") if raw.isascii() else charset.decode(raw))
    pieces: list[tuple[bytes, bytes]] = []  # (charset, octets); charset b"" for plain text
    at = 0
    for found in _ENCODED_WORD.finditer(raw):
        between = raw[at : found.start()]
        at = found.end()
        name = found[1].partition(b"*")[0].lower()
        octets = _decode_word(found[2], found[3])
        if between.strip(b" \t"):  # White space alone between two words is not shown.
            pieces.append((b"", between))
        pieces.append((name, octets))
    pieces.append((b"", raw[at:]))
    return clean("".join(_join(pieces)))


def _join(pieces: list[tuple[bytes, bytes]]) -> list[str]:
    """Decode runs of pieces that share a charset, each run at once."""
    texts: list[str] = []
    run: list[bytes] = []
    for number, (name, octets) in enumerate(pieces):
        run.append(octets)
        if number + 1 == len(pieces) or pieces[number + 1][0] != name:
            texts.append(charset.decode(b"".join(run), name or None))
            run = []
    return texts


def _decode_word(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"Bb":
        return decode.base64(text)
    return decode.quoted_printable(text.replace(b"_", b" "))


def clean(text: str) -> str:
    """Return text without line ends, NUL and other controls; tabs become spaces."""
    if text.isprintable():
        return text.strip()
    return _UNSHOWN.sub("", text.replace("\t", " ")).strip()


def printable(text: str) -> str:
    """A stranger's words for a terminal: nothing in them drives it or turns a line round."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in _JOINERS else "?" for sign in text)
