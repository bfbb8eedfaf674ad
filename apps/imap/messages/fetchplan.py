"""A FETCH as a plan: which columns to read, how lines are made of them, which octets of bodies.

Lines are made column by column, not message by message: a page of 500 is one pass in C for each
item. What stands in the tables of entries and messages is answered from there; only what is really
in a body reads the blob. The functions that read run on a database thread (`in_db`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from typing import Any, Final, NamedTuple

from apps.imap.messages.binary import PIECE, decoded
from apps.imap.proto.dates import internal_date
from apps.imap.proto.fetch import Attribute, BinaryItem, BodyItem, FetchItem, Part, Section
from apps.imap.proto.objectid import email_id, thread_id
from apps.mailstore import queries
from apps.mailstore.queries import Shown
from apps.mime import bodystructure, headers
from apps.mime import tree as mime_tree
from apps.mime.sections import find_part, load_parts, section_range
from apps.runtime.glance import Ask
from apps.wire.errors import Damaged, MailError
from apps.wire.imapstring import imap_string

CHUNK: Final = PIECE
"""Octets of one item read at once; longer ones are read and sent piece by piece."""

_COLUMNS: dict[Attribute, tuple[str, ...]] = {
    Attribute.INTERNALDATE: ("internaldate", "internaldate_offset"),
    Attribute.SIZE: ("size",),
    Attribute.ENVELOPE: ("envelope",),
    Attribute.BODYSTRUCTURE: ("bodystructure",),
    Attribute.PREVIEW: ("preview",),
    Attribute.SAVEDATE: ("saved_at",),
    Attribute.EMAILID: ("message_id", "head_id"),
    Attribute.THREADID: ("thread_id",),
}
_FORMS: dict[Attribute, bytes] = {
    Attribute.UID: b"UID %d",
    Attribute.FLAGS: b"FLAGS (%b)",
    Attribute.INTERNALDATE: b"INTERNALDATE %b",
    Attribute.SIZE: b"RFC822.SIZE %d",
    Attribute.ENVELOPE: b"ENVELOPE %b",
    Attribute.BODYSTRUCTURE: b"BODYSTRUCTURE %b",
    Attribute.MODSEQ: b"MODSEQ (%d)",
    Attribute.PREVIEW: b"PREVIEW %b",
    Attribute.SAVEDATE: b"SAVEDATE %b",
    Attribute.EMAILID: b"EMAILID (%b)",
    Attribute.THREADID: b"THREADID %b",
}
LIVE: Final = frozenset({Attribute.UID, Attribute.FLAGS, Attribute.MODSEQ})
"""What is answered without a row."""
_HEAVY = frozenset({"envelope", "bodystructure", "header"})
SHORT: Final = 64 * 1024
"""Octets of a message that is read, checked and answered within a fraction of a millisecond."""
_QUICK = 1_024
"""Octets of field names that are worth a pattern of their own."""
PLANS: Final = 64
"""Plans kept for the next FETCH of the same items; those of one command have up to 64 KB."""
_HEADER_PARTS = frozenset({Part.HEADER, Part.FIELDS, Part.FIELDS_NOT})


class Long(NamedTuple):
    """An item too long to be held at once: what stands before its octets, and how to read them, on
    a database thread."""

    head: bytes
    pieces: Callable[[], Iterator[bytes]]


Cell = bytes | Long
Bodies = list[Cell] | MailError
"""The body items of one message, or why they cannot be had."""


HEAD: Final = b"* %d FETCH ("


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do for each page.

    columns: of `queries.fetch_some`, without the uid that always comes first.
    names: what each place of a row holds.
    attributes: the items that are columns, in the order of the answer.
    bodies: how to make each of the other items of one message, in order.
    headers: how to make each of them from the header block alone, if all can be made so; else
        none.
    template: the line up to the bodies, to be filled by `%` with seq and `cells`.
    """

    columns: tuple[str, ...]
    names: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    bodies: tuple[Callable[[Reader], Cell], ...]
    headers: tuple[Callable[[bytes], bytes], ...]
    template: bytes
    sets_seen: bool
    reads_blobs: bool
    rev2: bool


@lru_cache(maxsize=PLANS)
def make_plan(
    items: tuple[FetchItem, ...], *, uid: bool, head: bytes = HEAD, rev2: bool = False
) -> Plan:
    """Return the plan for these items; UID FETCH always tells the UID (RFC 3501 section 6.4.8).

    Args:
        head: what a line begins with, with a place for its number.
        rev2: for IMAP4rev2, to which a message/global is a message with parts. BODYSTRUCTURE is
            then looked at message by message: what is kept is that of IMAP4rev1.
    """
    apart = frozenset({Attribute.BODYSTRUCTURE}) if rev2 else frozenset()
    attributes = [item for item in items if item in _FORMS and item not in apart]
    if uid and Attribute.UID not in attributes:
        attributes.insert(0, Attribute.UID)
    bodies = [item for item in items if item not in attributes]
    sections = [item for item in bodies if not isinstance(item, Attribute)]
    reads_blobs = any(
        not isinstance(one, BodyItem) or not _is_in_row(one.section) for one in sections
    )
    headers = [_header_maker(item) for item in bodies]
    columns = [column for item in attributes for column in _COLUMNS.get(item, ())]
    if bodies:
        columns += ["size"]
        if not all(isinstance(item, BodyItem) and not item.section.path for item in bodies):
            columns += ["parts"]
        if Attribute.BODYSTRUCTURE in bodies:
            columns += ["bodystructure"]
        if not reads_blobs:
            columns += ["message_id", "head_id", *(("head", "header") if sections else ())]
    columns = list(dict.fromkeys(columns))
    return Plan(
        columns=tuple(columns),
        names=("uid", *columns, *(("shown",) if reads_blobs else ())),
        attributes=tuple(attributes),
        bodies=tuple([_maker(item) for item in bodies]),
        headers=tuple(filter(None, headers)) if all(headers) else (),
        template=head + b" ".join([_FORMS[item] for item in attributes]),
        sets_seen=not all(item.peek for item in sections),
        reads_blobs=reads_blobs,
        rev2=rev2,
    )


def _is_in_row(section: Section) -> bool:
    return not section.path and section.part in _HEADER_PARTS


def cells(
    plan: Plan, rows: Sequence[tuple[Any, ...]], live: Mapping[Attribute, Iterable[Any]]
) -> list[Iterable[Any]]:
    """Return one column of values for each attribute of the plan; `rows` is not empty.

    Args:
        live: the columns that stand in no row: FLAGS and MODSEQ, if the plan has them.
    """
    table = dict(zip(plan.names, zip(*rows, strict=True), strict=True))
    made: list[Iterable[Any]] = []
    for item in plan.attributes:
        if item in live:
            made.append(live[item])
        elif item in _SPELT:
            made.append(map(_SPELT[item], *[table[name] for name in _COLUMNS[item]]))
        else:
            made.append(table["uid" if item is Attribute.UID else _COLUMNS[item][0]])
    return made


def _save_date(seconds: int | None) -> bytes:
    """NIL for what was expunged when that was not kept yet (RFC 8514 section 4.2)."""
    return b"NIL" if seconds is None else internal_date(seconds, 0)


def _thread(number: int | None) -> bytes:
    return b"NIL" if number is None else b"(%b)" % thread_id(number)


_SPELT: Final[dict[Attribute, Callable[..., bytes]]] = {
    Attribute.INTERNALDATE: internal_date,
    Attribute.PREVIEW: lambda text: imap_string(text.encode()),
    Attribute.SAVEDATE: _save_date,
    Attribute.EMAILID: email_id,
    Attribute.THREADID: _thread,
}
"""How a value is written that the tables do not hold as it goes out."""


def filled(line: bytes, *columns: Iterable[Any]) -> bytes:
    """Return a line for each row of some columns, all by one `%`: a third of what it takes to fill
    them one by one and to join them."""
    values = [list(column) for column in columns]
    count, width = len(values[0]), len(values)
    cells: list[Any] = [None] * (count * width)
    for place, column in enumerate(values):
        cells[place::width] = column
    return line * count % tuple(cells)


class Page(NamedTuple):
    """What was read for the first `used` of the UIDs asked for; `bodies` are for each row, none if
    the plan has none."""

    rows: list[tuple[Any, ...]]
    bodies: list[Bodies]
    used: int


def read_page(
    mailbox_id: int, uids: Sequence[int], plan: Plan, octets: int, *, expunged: bool = False
) -> Page:
    """Return rows and bodies, ready to send, of the first of these messages: as many as `octets`
    allow, and at least one.

    One statement for all; with `expunged` of messages that were expunged and are not purged yet. A
    damaged message is an answer for itself only. Runs on a database thread.
    """
    weight = 0
    weigh = _scales(plan)

    def enough(rows: Sequence[tuple[Any, ...]]) -> bool:
        nonlocal weight
        weight += weigh(rows)
        return weight >= octets

    rows, used = queries.fetch_some(
        mailbox_id,
        uids,
        plan.columns,
        enough=enough,
        blobs=plan.reads_blobs,
        expunged=expunged,
    )
    return Page(rows, _all_bodies(plan, rows), used)


def is_glance(plan: Plan, uids: Sequence[int]) -> bool:
    """Whether `read_few` can answer for these messages (ascending, not none), for all it knows."""
    if plan.bodies and not (plan.headers or plan.reads_blobs):
        return False
    return queries.is_few(uids, blobs=plan.reads_blobs)


def read_few(ask: Ask, mailbox_id: int, uids: Sequence[int], plan: Plan) -> Page | None:
    """`read_page` on the event loop, for `glance`: of a few messages, if their rows alone have all
    that is asked for and it is short; else None."""
    rows = queries.fetch_few(ask, mailbox_id, uids, plan.columns, blobs=plan.reads_blobs)
    if plan.bodies and not all(_is_at_hand(plan, row) for row in rows):
        return None
    return Page(rows, _all_bodies(plan, rows), len(uids))


def _is_at_hand(plan: Plan, row: tuple[Any, ...]) -> bool:
    if plan.headers:
        return 0 < len(row[plan.names.index("header")]) <= SHORT
    if not plan.reads_blobs:
        return False
    shown: Shown | None = row[-1]
    return shown is not None and shown.is_at_hand and shown.size <= SHORT


def _scales(plan: Plan) -> Callable[[Sequence[tuple[Any, ...]]], int]:
    """How many octets some rows will take, about."""
    places = plan.names.index
    if plan.reads_blobs:
        size = places("size")
        return lambda rows: sum([min(row[size], CHUNK) for row in rows])
    heavy = [places(name) for name in plan.columns if name in _HEAVY]
    # A header that is too long for the row is read from the blob.
    return lambda rows: sum([len(row[place]) or CHUNK for row in rows for place in heavy])


def _all_bodies(plan: Plan, rows: Sequence[tuple[Any, ...]]) -> list[Bodies]:
    if not plan.headers:
        return [_bodies_of(plan, row) for row in rows] if plan.bodies else []
    place, head_place = plan.names.index("header"), plan.names.index("head")
    made: list[Bodies] = []
    for row in rows:
        if not (kept := bytes(row[place])):  # it was too long for the row
            made.append(_bodies_of(plan, row))
            continue
        header = bytes(row[head_place]) + kept if row[head_place] else kept
        made.append([make(header) for make in plan.headers])
    return made


def _bodies_of(plan: Plan, row: tuple[Any, ...]) -> Bodies:
    reader = Reader(plan, row)
    try:
        return [make(reader) for make in plan.bodies]
    except MailError as error:
        return error


class Reader:
    """One message of a page, each thing read once."""

    __slots__ = ("_header", "_names", "_rev2", "_root", "_row", "_shown")

    def __init__(self, plan: Plan, row: tuple[Any, ...]) -> None:
        self._names = plan.names
        self._rev2 = plan.rev2
        self._row = row
        self._shown: Shown | None = row[-1] if plan.reads_blobs else None
        self._root: mime_tree.Part | None = None
        self._header: bytes | None = None

    def __getitem__(self, name: str) -> Any:
        """Return what a column holds."""
        return self._row[self._names.index(name)]

    @property
    def shown(self) -> Shown:
        """The whole message."""
        if self._shown is None:
            if "shown" in self._names:
                raise Damaged("the row of its blob is missing")
            self._shown = queries.shown(self["message_id"], self["head_id"])
        return self._shown

    @property
    def root(self) -> mime_tree.Part:
        """Its parts."""
        if self._root is None:
            self._root = load_parts(bytes(self["parts"]))
            if self._rev2 and any(part.is_closed_global for part in self._root.walk()):
                self._root = self._scanned()
        return self._root

    def _scanned(self) -> mime_tree.Part:
        """Its parts with all that is not kept: what else is in enclosed messages."""
        raw = self.shown.part(len(self.shown.head), self.shown.size)
        return mime_tree.scan_tree(raw, opens_global=self._rev2, with_envelopes=True)

    def header(self) -> bytes:
        """The message's own header, from the row; from the blob if it was too long for that."""
        if self._header is None:
            self._header = self._kept_header() or self.shown.header()
        return self._header

    def _kept_header(self) -> bytes:
        if "shown" in self._names or not (kept := bytes(self["header"])):
            return b""
        head = self["head"]
        return bytes(head) + kept if head else kept

    def read(self, start: int, end: int) -> bytes:
        """Return octets of the message; exactly these or `Damaged`."""
        raw = self.shown.part(start, end)
        if len(raw) != end - start:
            raise Damaged(f"{end - start - len(raw)} octets are missing")
        return raw

    def range(self, section: Section) -> tuple[int, int] | None:
        """Return where a section lies; None if the message has none such."""
        if not section.path:
            start = self.shown.header_size if section.part is Part.TEXT else 0
            end = self.shown.header_size if section.part is Part.HEADER else self.shown.size
            return start, end
        what: Any = section.part.name if section.part is not Part.ALL else ""
        found = section_range(self.root, section.path, what)
        if found is None:
            return None
        head = len(self.shown.head)  # offsets count from behind it
        return found[0] + head, found[1] + head

    def structure(self) -> bytes:
        """Return BODY: the structure without extension data.

        Stored parts hold all that it needs but the envelopes of enclosed messages.
        """
        root = self.root
        if any(part.is_message for part in root.walk()):
            root = self._scanned()
        return bodystructure.body(root)

    def full_structure(self) -> bytes:
        """Return BODYSTRUCTURE as IMAP4rev2 has it: what is kept, if no message/global is in it."""
        kept = bytes(self["bodystructure"])
        if b'"message" "global"' not in kept:
            return kept
        return bodystructure.bodystructure(self._scanned())


def _maker(item: FetchItem) -> Callable[[Reader], Cell]:
    """Return what makes an item of a message: decided once for all messages of a FETCH."""
    if item is Attribute.BODYSTRUCTURE:
        return lambda reader: b"BODYSTRUCTURE " + reader.full_structure()
    if isinstance(item, Attribute):
        return lambda reader: b"BODY " + reader.structure()
    if isinstance(item, BinaryItem):
        return partial(_binary, item)
    section = item.section
    if (make := _header_maker(item)) is not None:
        return lambda reader: make(reader.header())
    if section.part in {Part.FIELDS, Part.FIELDS_NOT}:
        return partial(_fields_of_part, item, picker(section))
    return partial(_octets, item)


def _header_maker(item: FetchItem) -> Callable[[bytes], bytes] | None:
    """What makes an item from the header block of the message, None if that is not enough."""
    if not isinstance(item, BodyItem) or not _is_in_row(item.section):
        return None
    fields = picker(item.section)
    return lambda header: _literal(item, fields(header))


def _fields_of_part(item: BodyItem, fields: Callable[[bytes], bytes], reader: Reader) -> Cell:
    found = reader.range(Section(item.section.path, Part.HEADER))
    return _literal(item, None if found is None else fields(reader.read(*found)))


def _octets(item: BodyItem, reader: Reader) -> Cell:
    found = reader.range(item.section)
    if found is None:
        return _literal(item, None)
    start, end = _cut(found, item.partial)
    if end - start > CHUNK:
        head = b"%b {%d}\r\n" % (item.label, end - start)
        return Long(head, partial(_raw_pieces, reader.shown, start, end))
    return _literal(item, reader.read(start, end), is_cut=True)


def _raw_pieces(shown: Shown, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, CHUNK):
        yield sendable(shown.part(at, min(at + CHUNK, end)))


def _binary(item: BinaryItem, reader: Reader) -> Cell:
    """BINARY[...] and its size (RFC 3516 section 4.3). Of a part that does not exist there is NIL,
    as with BODY[...], and no octet."""
    section = item.section
    is_filtered = section.part in {Part.FIELDS, Part.FIELDS_NOT}
    found = reader.range(Section(section.path, Part.HEADER) if is_filtered else section)
    if found is None:
        return item.label + (b" 0" if item.size_only else b" NIL")
    if is_filtered:
        kept = picker(section)(reader.read(*found))
        holds = decoded(lambda start, end: kept[start:end], None, 0, len(kept), item.partial)
    else:
        holds = decoded(reader.read, _encoded(section, reader.root), *found, item.partial)
    if item.size_only:
        return b"%b %d" % (item.label, holds.size)
    head = b"%b %b{%d}\r\n" % (item.label, b"~" * holds.has_nul, holds.size)
    return Long(head, holds.pieces) if holds.short is None else head + holds.short


def _encoded(section: Section, root: mime_tree.Part) -> mime_tree.Part | None:
    """Return the part whose encoding a section has; None for headers and for whole messages."""
    part = find_part(root, section.path) if section.path else None
    if section.part is Part.ALL:
        return part
    if section.part is Part.TEXT:
        return root if part is None else part.children[0]
    return None


def picker(section: Section) -> Callable[[bytes], bytes]:
    """Return what cuts a header block down to the fields that a section names, with the empty
    line."""
    if section.part is Part.HEADER:
        return bytes
    if section.part is Part.FIELDS and 0 < sum(map(len, section.fields)) <= _QUICK:
        wanted = _tiles(section.fields)
        return lambda raw: _joined(wanted.findall(raw))
    return partial(filtered, section=section)


@lru_cache(maxsize=64)
def _tiles(names: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """Cuts a header block into runs of fields so named, and runs of lines that are none.

    Each match ends with a line and the next begins there, so a line is looked at once; the group
    holds the fields. What a field is `apps.mime.headers` says.
    """
    ordered = sorted(set(names) - {b""})  # no field has no name
    # By first letters: for most lines one look at a class is enough to know that they are none.
    firsts = b"".join([b"\\x%02x" % letter for letter in {one[0] for one in ordered}])
    groups = [
        b"%b(?:%b)" % (re.escape(first), b"|".join([re.escape(one[1:]) for one in some]))
        for first, some in groupby(ordered, key=lambda one: one[:1])
    ]
    either = b"(?=[%b])(?:%b)[ \\t]*+:" % (firsts, b"|".join(groups))
    rest = b"[^\\n]*+(?:\\n[ \\t][^\\n]*+)*+(?:\\n|\\Z)"
    return re.compile(
        b"((?:%b%b)++)|(?:(?!%b)(?:[^\\n]*+\\n|[^\\n]++\\Z)(?:[ \\t][^\\n]*+(?:\\n|\\Z))*+)++"
        % (either, rest, either),
        re.IGNORECASE,
    )


def filtered(raw: bytes, section: Section) -> bytes:
    """Return a header block, or the fields of it that the section names, with the empty line.

    HEADER.FIELDS.NOT leaves the lines that are no fields, as other servers do.
    """
    if section.part is Part.HEADER:
        return raw
    block = headers.scan(raw)
    names = {name.lower() for name in section.fields}
    named = [one for one in block.fields if one.name in names]
    if section.part is Part.FIELDS:
        return _joined([raw[one.start : one.end] for one in named])
    return _joined(_without(raw[: block.body_start], named))


def _without(header: bytes, fields: Sequence[headers.Field]) -> list[bytes]:
    """Return what a header block holds besides these fields and its empty line."""
    last_line = header.rfind(b"\n", 0, len(header) - 1) + 1
    end = len(header) if header[last_line:].strip(b"\r\n") else last_line
    kept: list[bytes] = []
    at = 0
    for one in fields:
        kept.append(header[at : one.start])
        at = one.end
    kept.append(header[at:end])
    return kept


def _joined(fields: list[bytes]) -> bytes:
    """Whole fields as a header block."""
    kept = b"".join(fields)
    return kept + (b"\r\n" if not kept or kept.endswith(b"\n") else b"\r\n\r\n")


def _cut(found: tuple[int, int], partial: tuple[int, int] | None) -> tuple[int, int]:
    """Return the octets that a partial asks for: none if it begins behind the end."""
    start, end = found
    if partial is None:
        return start, end
    return min(start + partial[0], end), min(start + partial[0] + partial[1], end)


def _literal(item: BodyItem, raw: bytes | None, *, is_cut: bool = False) -> bytes:
    if raw is None:
        return item.label + b" NIL"
    if item.partial is not None and not is_cut:
        start, end = _cut((0, len(raw)), item.partial)
        raw = raw[start:end]
    return b"%b {%d}\r\n%b" % (item.label, len(raw), sendable(raw))


def sendable(raw: bytes) -> bytes:
    """Return octets as a literal may carry them: NUL goes out as 0x80 (as in `imap_string`)."""
    return raw.replace(b"\0", b"\x80") if b"\0" in raw else raw
