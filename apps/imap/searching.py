"""Evaluates a search program over the messages of a mailbox, most of it without reading any.

Every leaf is a mask of one octet per message, held as a big integer, so that AND, OR and NOT of ten
thousand messages are one operation each. Leaves that need rows or bodies are unknown at first: the
program is run with bounds (surely, possibly), and only messages between the two are read. Pure but
for `undecided_values`, which runs on a database thread.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from apps.imap.proto.dates import local_day
from apps.imap.proto.search import (
    All,
    HasFlag,
    HasKeyword,
    HeaderHas,
    InSet,
    InternalDay,
    Leaf,
    Op,
    Recent,
    Relation,
    SearchProgram,
    SentDay,
    Size,
    TextHas,
)
from apps.imap.view import View
from apps.mailstore import queries
from apps.mime import decode, headers
from apps.mime.charset import decode as decode_charset
from apps.mime.sections import load_parts
from apps.mime.tree import Part

BODY_MAX: Final = 4 * 1024 * 1024
"""Octets of one text part that are looked at; a longer text is searched up to there."""

ROWS_MAX: Final = 4 * 1024 * 1024
"""Octets of headers in one read."""

_ADDRESS_FIELDS = frozenset({b"FROM", b"TO", b"CC", b"BCC", b"SENDER", b"REPLY-TO"})
_COMMENTED = re.compile(
    rb"^(?:from|to|cc|bcc|sender|reply-to)[ \t]*+:(?:[^\n(]|\n[ \t])*+\(", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Masks: messages that surely match, and those that possibly do."""

    surely: int
    possibly: int


def to_mask(marks: bytes) -> int:
    """Return one octet per message as an integer."""
    return int.from_bytes(marks, "little")


def run(program: SearchProgram, leaves: Sequence[Bounds], everything: int) -> Bounds:
    """Run a program; `everything` is the mask of all messages."""
    stack: list[Bounds] = []
    for step in program.steps:
        if isinstance(step, int):
            stack.append(leaves[step])
        elif step is Op.NOT:
            top = stack.pop()
            stack.append(Bounds(everything ^ top.possibly, everything ^ top.surely))
        else:
            right, left = stack.pop(), stack.pop()
            if step is Op.AND:
                both = left.surely & right.surely, left.possibly & right.possibly
            else:
                both = left.surely | right.surely, left.possibly | right.possibly
            stack.append(Bounds(*both))
    return stack.pop()


# -- leaves that are known at once ----------------------------------------------------------------


@lru_cache(maxsize=8)
def _bit_table(bit: int) -> bytes:
    return bytes(bool(flags & bit) for flags in range(256))


class Subject:
    """The messages a search looks at, as they were when it began."""

    def __init__(self, view: View) -> None:
        mirror, count = view.mirror, view.live_count
        self.view = view
        self.uids = mirror.uids[:count]
        self.seqs = view.live_seqs
        self._flags = bytes(mirror.flags[:count])
        self._keywords = mirror.keywords[:count]
        self._bits = {name.upper(): bit for bit, name in mirror.keyword_names.items()}
        self.everything = to_mask(b"\1" * count)

    def bounds(self, leaf: Leaf) -> Bounds:
        """Return what is known of a leaf without reading."""
        marks = self._marks(leaf)
        if marks is None:
            return Bounds(0, self.everything)
        mask = to_mask(marks)
        return Bounds(mask, mask)

    def _marks(self, leaf: Leaf) -> bytes | None:
        match leaf:
            case All():
                return b"\1" * len(self.uids)
            case HasFlag(bit):
                return self._flags.translate(_bit_table(bit))
            case HasKeyword(name):
                return self._keyword(name)
            case Recent():
                return bytes(map(self.view.is_recent, self.uids))
            case InSet(numbers, uid):
                return self.view.live_mask(numbers, uid=uid)
            case _:
                return None

    def _keyword(self, name: str) -> bytes:
        bit = self._bits.get(name)
        if bit is None:
            return bytes(len(self.uids))
        mask = 1 << bit
        return bytes([keywords & mask != 0 for keywords in self._keywords])


# -- leaves that need rows or bodies --------------------------------------------------------------


def columns_for(leaves: Sequence[Leaf]) -> tuple[str, ...]:
    """Return the columns that these leaves need, dear ones only when asked for."""
    columns: dict[str, None] = {}
    for leaf in leaves:
        match leaf:
            case InternalDay():
                names = "internaldate internaldate_offset"
            case SentDay():
                names = "sent_date internaldate internaldate_offset"
            case Size():
                names = "size"
            case HeaderHas():
                names = "head header message_id head_id"
            case _:
                names = "head header message_id head_id parts"
        columns.update(dict.fromkeys(names.split()))
    return tuple(columns)


def undecided_values(
    mailbox_id: int, uids: Sequence[int], leaves: Sequence[Leaf]
) -> dict[int, list[bool]]:
    """Return, by UID, whether each of `leaves` matches. Messages gone meanwhile are left out.

    Runs on a database thread.

    Raises:
        Damaged: a body that has to be searched cannot be read.
    """
    columns = columns_for(leaves)
    names = ("uid", *columns)
    needles = [_Needle(leaf) for leaf in leaves]
    # Bodies come with the rows: one query for each message would be dearer than the bodies.
    blobs = any(isinstance(leaf, TextHas) for leaf in leaves)
    passes, nothing = _sieve(leaves, needles, names), [False] * len(leaves)
    found: dict[int, list[bool]] = {}
    done = 0
    while done < len(uids):
        rows, used = queries.fetch_some(
            mailbox_id, uids[done:], columns, enough=_scales(columns), blobs=blobs
        )
        for row in rows:
            if not passes(row):
                found[row[0]] = nothing
                continue
            subject = _Message(dict(zip(names, row, strict=False)), row[-1] if blobs else None)
            found[row[0]] = [
                subject.matches(leaf, needle) for leaf, needle in zip(leaves, needles, strict=True)
            ]
        done += used
    return found


def _scales(columns: Sequence[str]) -> Callable[[Sequence[tuple[Any, ...]]], bool]:
    """Return what tells when the rows of a read hold enough octets; of a body that lies beside the
    rows only its header counts."""
    if "header" not in columns:
        return lambda _: False
    place, weight = columns.index("header") + 1, 0

    def enough(rows: Sequence[tuple[Any, ...]]) -> bool:
        nonlocal weight
        weight += sum([len(row[place]) for row in rows])
        return weight > ROWS_MAX

    return enough


class _Needle:
    """What a leaf looks for, folded; and what a header that has it must hold as it was sent."""

    __slots__ = ("as_sent", "text")

    def __init__(self, leaf: Leaf) -> None:
        self.text = _fold(leaf.text) if isinstance(leaf, HeaderHas | TextHas) else ""
        self.as_sent: Callable[[bytes], object] | None = None
        words = self.text.encode("ascii").split() if self.text.isascii() else []
        if len(words) == 1 and words[0] == self.text.encode("ascii"):
            word = words[0]
            self.as_sent = lambda raw: word in raw
        elif words:
            # Where a text has a blank its field may have been folded.
            self.as_sent = re.compile(rb"[ \t\r\n]+".join(map(re.escape, words))).search


def _may_hold(raw: bytes, needle: _Needle, name: bytes) -> bool:
    """Whether a header (in lower case) can have this at all: most are ruled out undecoded.

    Only if what is looked for is ASCII, and the header has nothing to decode and no address with
    comments in it.
    """
    if needle.as_sent is None or b"=?" in raw or not raw.isascii():
        return True
    if needle.as_sent(raw):
        return True
    return name in _ADDRESS_FIELDS and _COMMENTED.search(raw) is not None


def _sieve(
    leaves: Sequence[Leaf], needles: Sequence[_Needle], names: Sequence[str]
) -> Callable[[tuple[Any, ...]], bool]:
    """Return what tells of a row whether any leaf may match: if all ask for header fields, most
    rows need not even become a message."""
    pairs = [
        (needle, leaf.name)
        for leaf, needle in zip(leaves, needles, strict=True)
        if isinstance(leaf, HeaderHas) and needle.as_sent is not None
    ]
    if len(pairs) < len(leaves):
        return lambda _: True
    head, header = names.index("head"), names.index("header")

    def passes(row: tuple[Any, ...]) -> bool:
        if not row[header]:  # too long for the row
            return True
        raw = (bytes(row[head] or b"") + bytes(row[header])).lower()
        return any(_may_hold(raw, needle, name) for needle, name in pairs)

    return passes


class _Message:
    """One message under test, each text made once."""

    __slots__ = ("_block", "_body", "_fields", "_lower", "_row", "_shown", "_whole_header")

    def __init__(self, row: Mapping[str, Any], shown: queries.Shown | None = None) -> None:
        self._row = row
        self._shown = shown
        self._lower: bytes | None = None
        self._block: headers.HeaderBlock | None = None
        self._fields: dict[bytes, list[str]] = {}
        self._body: list[str] | None = None
        self._whole_header: str | None = None

    def matches(self, leaf: Leaf, needle: _Needle) -> bool:
        match leaf:
            case HeaderHas(name, _):
                return self._may_have(needle, name) and any(
                    needle.text in text for text in self._header_texts(name.lower())
                )
            case TextHas(_, header):
                text = needle.text
                return (header and text in self._header_text()) or self._body_has(text)
            case InternalDay(relation, day):
                return _compare(relation, self._internal_day(), day.toordinal())
            case SentDay(relation, day):
                return _compare(relation, self._sent_day(), day.toordinal())
            case Size(Relation.BEFORE, octets):
                return bool(self._row["size"] < octets)
            case Size(_, octets):
                return bool(self._row["size"] > octets)
            case _:
                raise AssertionError(leaf)

    def _may_have(self, needle: _Needle, name: bytes) -> bool:
        if self._lower is None:
            self._lower = self._raw_header().lower()
        return _may_hold(self._lower, needle, name)

    def _internal_day(self) -> int:
        return local_day(self._row["internaldate"], self._row["internaldate_offset"])

    def _sent_day(self) -> int:
        """The day of the Date field; a message without one is searched by its arrival."""
        sent = self._row["sent_date"]
        if sent is None:
            return self._internal_day()
        if isinstance(sent, str):  # SQLite keeps days as text
            sent = datetime.date.fromisoformat(sent)
        return int(sent.toordinal())

    def _read(self) -> queries.Shown:
        if self._shown is None:
            self._shown = queries.shown(self._row["message_id"], self._row["head_id"])
        return self._shown

    def _raw_header(self) -> bytes:
        kept = bytes(self._row["header"])
        return bytes(self._row["head"] or b"") + kept if kept else self._read().header()

    def _header_texts(self, name: bytes) -> list[str]:
        """The decoded values of the fields so named: each field is decoded when first asked for."""
        if self._block is None:
            self._block = headers.scan(self._raw_header())
        texts = self._fields.get(name)
        if texts is None:
            texts = [_fold(headers.decode_text(value)) for value in self._block.all(name)]
            if name.upper() in _ADDRESS_FIELDS and any("(" in text for text in texts):
                texts += _addresses(self._block, name)
            self._fields[name] = texts
        return texts

    def _header_text(self) -> str:
        if self._whole_header is None:
            block = headers.scan(self._raw_header())
            self._whole_header = "\n".join(
                _fold(f"{one.name.decode('latin-1')}: {headers.decode_text(block.value(one))}")
                for one in block.fields
            )
        return self._whole_header

    def _body_has(self, needle: str) -> bool:
        if self._body is None:
            shown = self._read()
            root = load_parts(bytes(self._row["parts"]))
            base = len(shown.head)
            self._body = [_fold(_text_of(shown, base, part)) for part in _texts(root)]
        return any(needle in text for text in self._body)


def _texts(root: Part) -> list[Part]:
    """Return what BODY searches: text parts, and the headers of enclosed messages."""
    return [part for part in root.walk() if part.type == b"text" or part.is_message]


def _text_of(shown: queries.Shown, base: int, part: Part) -> str:
    if part.is_message:
        inner = part.children[0]
        raw = shown.part(base + inner.header_start, base + inner.body_start)
        block = headers.scan(raw)
        return "\n".join(headers.decode_text(block.value(one)) for one in block.fields)
    end = min(part.body_end, part.body_start + BODY_MAX)
    raw = shown.part(base + part.body_start, base + end)
    return decode_charset(decode.body(raw, part.encoding), part.charset.encode() or None)


def _addresses(block: headers.HeaderBlock, name: bytes) -> list[str]:
    """The addresses of a field as ENVELOPE tells them: FROM, TO, CC and BCC look at these (section
    6.4.4), and a field may write them with comments between their parts."""
    return [
        _fold((one.local + b"@" + one.host).decode("utf-8", "replace"))
        for one in block.addresses(name)
        if one.local and one.host
    ]


def _compare(relation: Relation, day: int, wanted: int) -> bool:
    if relation is Relation.BEFORE:
        return day < wanted
    return day == wanted if relation is Relation.ON else day >= wanted


def _fold(text: str) -> str:
    """Fold case, for comparing (RFC 3501 section 6.4.4 asks for no more)."""
    return text.lower() if text.isascii() else text.casefold()
