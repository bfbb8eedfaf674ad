"""Evaluates a search program over the messages of a mailbox, most of it without reading any.

Every leaf is a mask of one octet per message, held as a big integer, so that AND, OR and NOT of ten
thousand messages are one operation each. Leaves that need rows or bodies are unknown at first: the
program is run with bounds (surely, possibly), and only messages between the two are read. Pure but
for `undecided_values`, which runs on a database thread.

A leaf under FUZZY (RFC 6203) is true of a text that has more than half of its words; how far it is
from having all of them, as they stand, is the score of the message.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from apps.imap.proto.dates import local_day
from apps.imap.proto.objectid import email_id, thread_id
from apps.imap.proto.search import (
    Age,
    All,
    ChangedSince,
    HasFlag,
    HasKeyword,
    HeaderHas,
    InSet,
    InternalDay,
    InThread,
    IsEmail,
    Leaf,
    Op,
    Recent,
    Relation,
    SavedDay,
    SearchProgram,
    SentDay,
    Size,
    TextHas,
)
from apps.imap.selected.view import View
from apps.mailstore import queries
from apps.mime import decode, headers
from apps.mime.charset import decode as decode_charset
from apps.mime.collation import collated
from apps.mime.sections import load_parts
from apps.mime.tree import Part

BODY_MAX: Final = 4 * 1024 * 1024
"""Octets of one text part that are looked at; a longer text is searched up to there."""

ROWS_MAX: Final = 4 * 1024 * 1024
"""Octets of headers in one read."""

EXACT: Final = 100
"""The score of a message that has what was looked for (RFC 6203 section 4)."""
_IN_BODY: Final = 0.85
_IN_PARTS: Final = 90

_ADDRESS_FIELDS = frozenset({b"FROM", b"TO", b"CC", b"BCC", b"SENDER", b"REPLY-TO"})
_COMMENTED = re.compile(
    rb"^(?:FROM|TO|CC|BCC|SENDER|REPLY-TO)[ \t]*+:(?:[^\n(]|\n[ \t])*+\(", re.MULTILINE
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
        self.modseqs = mirror.modseqs[:count]
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
                return self._recent()
            case ChangedSince(modseq):
                return bytes([one >= modseq for one in self.modseqs])
            case InSet(numbers, uid):
                return self.view.live_mask(numbers, uid=uid)
            case _:
                return None

    def _recent(self) -> bytes:
        marks = bytearray(len(self.uids))
        for start, end in self.view.recent_runs(self.uids):
            marks[start:end] = b"\1" * (end - start)
        return bytes(marks)

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
            case SavedDay():
                names = "saved_at"
            case Age():
                names = "internaldate"
            case IsEmail():
                names = "message_id head_id"
            case InThread():
                names = "thread_id"
            case Size():
                names = "size"
            case HeaderHas():
                names = "head header message_id head_id"
            case _:
                names = "head header message_id head_id parts"
        columns.update(dict.fromkeys(names.split()))
    return tuple(columns)


def undecided_values(
    mailbox_id: int, uids: Sequence[int], leaves: Sequence[Leaf], now: int
) -> dict[int, list[int]]:
    """Return, by UID, how well each of `leaves` matches, from 0 (not) to EXACT. Messages gone
    meanwhile are left out.

    Runs on a database thread.

    Args:
        now: Unix seconds; OLDER and YOUNGER count from there.

    Raises:
        Damaged: a body that has to be searched cannot be read.
    """
    columns = columns_for(leaves)
    names = ("uid", *columns)
    needles = [_Needle(leaf) for leaf in leaves]
    # Bodies come with the rows: one query for each message would be dearer than the bodies.
    blobs = any(isinstance(leaf, TextHas) for leaf in leaves)
    passes, nothing = _sieve(leaves, needles, names), [0] * len(leaves)
    found: dict[int, list[int]] = {}
    done = 0
    while done < len(uids):
        rows, used = queries.fetch_some(
            mailbox_id, uids[done:], columns, enough=_scales(columns), blobs=blobs
        )
        for row in rows:
            if not passes(row):
                found[row[0]] = nothing
                continue
            message = _Message(dict(zip(names, row, strict=False)), row[-1] if blobs else None, now)
            found[row[0]] = [
                message.score(leaf, needle) for leaf, needle in zip(leaves, needles, strict=True)
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
    """What a leaf looks for, as it is compared; and what a header that has it must hold as it was
    sent. `words` are those of a text whose words will do."""

    __slots__ = ("as_sent", "text", "words")

    def __init__(self, leaf: Leaf) -> None:
        self.text = ""
        self.words: tuple[str, ...] = ()
        if isinstance(leaf, HeaderHas | TextHas):
            self.text = collated(leaf.text)
            if leaf.fuzzy:
                self.words = tuple(dict.fromkeys(self.text.split()))
        self.as_sent: Callable[[bytes], object] | None = None
        if len(self.words) > 1:
            return
        words = self.text.encode("ascii").split() if self.text.isascii() else []
        if len(words) == 1 and words[0] == self.text.encode("ascii"):
            word = words[0]
            self.as_sent = lambda raw: word in raw
        elif words:
            # Where a text has a blank its field may have been folded.
            self.as_sent = re.compile(rb"[ \t\r\n]+".join(map(re.escape, words))).search

    def score(self, text: str) -> int:
        """How well a text has it."""
        if self.text in text:
            return EXACT
        found = sum([word in text for word in self.words])
        return _IN_PARTS * found // len(self.words) if 2 * found > len(self.words) else 0


def _may_hold(raw: bytes, needle: _Needle, name: bytes) -> bool:
    """Whether a header (in upper case) can have this at all: most are ruled out undecoded.

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
        raw = (bytes(row[head] or b"") + bytes(row[header])).upper()
        return any(_may_hold(raw, needle, name) for needle, name in pairs)

    return passes


class _Message:
    """One message under test, each text made once."""

    __slots__ = ("_block", "_body", "_fields", "_now", "_row", "_shown", "_upper", "_whole_header")

    def __init__(
        self, row: Mapping[str, Any], shown: queries.Shown | None = None, now: int = 0
    ) -> None:
        self._row = row
        self._shown = shown
        self._now = now
        self._upper: bytes | None = None
        self._block: headers.HeaderBlock | None = None
        self._fields: dict[bytes, list[str]] = {}
        self._body: list[str] | None = None
        self._whole_header: str | None = None

    def score(self, leaf: Leaf, needle: _Needle) -> int:
        """How well a leaf matches, from 0 to EXACT."""
        match leaf:
            case HeaderHas(name):
                if not self._may_have(needle, name):
                    return 0
                return max(map(needle.score, self._header_texts(name.lower())), default=0)
            case TextHas(_, header):
                return self._text_score(needle, header=header)
            case _:
                return EXACT if self._is(leaf) else 0

    def _text_score(self, needle: _Needle, *, header: bool) -> int:
        best = needle.score(self._header_text()) if header else 0
        if best == EXACT:
            return best
        in_body = max(map(needle.score, self._body_texts()), default=0)
        return max(best, int(_IN_BODY * in_body) if header and needle.words else in_body)

    def _is(self, leaf: Leaf) -> bool:
        row = self._row
        match leaf:
            case InternalDay(relation, day):
                return _compare(relation, self._internal_day(), day.toordinal())
            case SentDay(relation, day):
                return _compare(relation, self._sent_day(), day.toordinal())
            case SavedDay(relation, day):
                return _compare(relation, local_day(row["saved_at"], 0), day.toordinal())
            case Age(seconds, younger):
                moment = self._now - seconds
                date = row["internaldate"]
                return bool(date >= moment if younger else date <= moment)
            case IsEmail(identifier):
                return email_id(row["message_id"], row["head_id"]) == identifier
            case InThread(identifier):
                return row["thread_id"] is not None and thread_id(row["thread_id"]) == identifier
            case Size(relation, octets):
                size = row["size"]
                return bool(size < octets if relation is Relation.BEFORE else size > octets)
            case _:
                raise AssertionError(leaf)

    def _may_have(self, needle: _Needle, name: bytes) -> bool:
        if self._upper is None:
            self._upper = self._raw_header().upper()
        return _may_hold(self._upper, needle, name)

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
            texts = [collated(headers.decode_text(value)) for value in self._block.all(name)]
            if name.upper() in _ADDRESS_FIELDS and any("(" in text for text in texts):
                texts += _addresses(self._block, name)
            self._fields[name] = texts
        return texts

    def _header_text(self) -> str:
        if self._whole_header is None:
            block = headers.scan(self._raw_header())
            self._whole_header = "\n".join(
                collated(f"{one.name.decode('latin-1')}: {headers.decode_text(block.value(one))}")
                for one in block.fields
            )
        return self._whole_header

    def _body_texts(self) -> list[str]:
        if self._body is None:
            shown = self._read()
            root = load_parts(bytes(self._row["parts"]))
            base = len(shown.head)
            self._body = [collated(_text_of(shown, base, part)) for part in _texts(root)]
        return self._body


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
        collated((one.local + b"@" + one.host).decode("utf-8", "replace"))
        for one in block.addresses(name)
        if one.local and one.host
    ]


def _compare(relation: Relation, day: int, wanted: int) -> bool:
    if relation is Relation.BEFORE:
        return day < wanted
    return day == wanted if relation is Relation.ON else day >= wanted
