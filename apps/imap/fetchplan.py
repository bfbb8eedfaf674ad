"""A FETCH as a plan: which columns to read, how lines are made of them, which octets of bodies.

Lines are made column by column, not message by message: a page of 500 is one pass in C for each
item. What stands in the tables of entries and messages is answered from there; only what is really
in a body reads the blob. The functions that read run on a database thread (`in_db`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from apps.imap.proto.dates import internal_date
from apps.imap.proto.fetch import Attribute, BodyItem, FetchItem, Part, Section
from apps.mailstore import queries
from apps.mailstore.queries import Shown
from apps.mime import bodystructure, headers
from apps.mime import tree as mime_tree
from apps.mime.sections import load_parts, section_range
from apps.wire.errors import Damaged, MailError

CHUNK: Final = 256 * 1024
"""Octets of one item read at once; longer ones are read and sent piece by piece."""

_COLUMNS: dict[Attribute, tuple[str, ...]] = {
    Attribute.INTERNALDATE: ("internaldate", "internaldate_offset"),
    Attribute.SIZE: ("size",),
    Attribute.ENVELOPE: ("envelope",),
    Attribute.BODYSTRUCTURE: ("bodystructure",),
}
_FORMS: dict[Attribute, bytes] = {
    Attribute.UID: b"UID %d",
    Attribute.FLAGS: b"FLAGS (%b)",
    Attribute.INTERNALDATE: b"INTERNALDATE %b",
    Attribute.SIZE: b"RFC822.SIZE %d",
    Attribute.ENVELOPE: b"ENVELOPE %b",
    Attribute.BODYSTRUCTURE: b"BODYSTRUCTURE %b",
}
_HEADER_PARTS = frozenset({Part.HEADER, Part.FIELDS, Part.FIELDS_NOT})


class Long(NamedTuple):
    """An item too long to be read at once: octets [start, end) of a message."""

    label: bytes
    shown: Shown
    start: int
    end: int


Cell = bytes | Long
Bodies = list[Cell] | MailError
"""The body items of one message, or why they cannot be had."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do for each page.

    columns: of `queries.fetch_page`, without the uid that always comes first.
    attributes: the items that are columns, in the order of the answer.
    bodies: the items that are octets of the message, BODY (structure) among them.
    """

    columns: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    bodies: tuple[BodyItem | Attribute, ...]
    sets_seen: bool
    reads_blobs: bool

    @property
    def template(self) -> bytes:
        """The line up to the bodies, to be filled by `%` with seq and `cells`."""
        return b"* %d FETCH (" + b" ".join([_FORMS[item] for item in self.attributes])


def make_plan(items: Sequence[FetchItem], *, uid: bool) -> Plan:
    """Return the plan for these items; UID FETCH always tells the UID (RFC 3501 section 6.4.8)."""
    attributes = [item for item in items if item in _FORMS]
    if uid and Attribute.UID not in attributes:
        attributes.insert(0, Attribute.UID)
    bodies = [item for item in items if item not in _FORMS]
    columns = [column for item in attributes for column in _COLUMNS.get(item, ())]
    if bodies:
        columns += ["message_id", "head_id", "size", "parts"]
        if any(isinstance(item, BodyItem) and _is_in_row(item.section) for item in bodies):
            columns += ["head", "header"]
    sections = [item for item in bodies if isinstance(item, BodyItem)]
    return Plan(
        columns=tuple(dict.fromkeys(columns)),
        attributes=tuple(attributes),
        bodies=tuple(bodies),
        sets_seen=not all(item.peek for item in sections),
        reads_blobs=not all(_is_in_row(item.section) for item in sections),
    )


def _is_in_row(section: Section) -> bool:
    return not section.path and section.part in _HEADER_PARTS


def cells(
    plan: Plan, rows: Sequence[tuple[Any, ...]], flag_texts: Iterable[bytes]
) -> list[Iterable[Any]]:
    """Return one column of values for each attribute of the plan; `rows` is not empty."""
    table = dict(zip(("uid", *plan.columns), zip(*rows, strict=True), strict=True))
    made: list[Iterable[Any]] = []
    for item in plan.attributes:
        if item is Attribute.UID:
            made.append(table["uid"])
        elif item is Attribute.FLAGS:
            made.append(flag_texts)
        elif item is Attribute.INTERNALDATE:
            made.append(map(internal_date, table["internaldate"], table["internaldate_offset"]))
        else:
            made.append(table[_COLUMNS[item][0]])
    return made


def read_page(
    mailbox_id: int, uids: Sequence[int], plan: Plan, octets: int
) -> tuple[list[tuple[Any, ...]], list[Bodies]]:
    """Return the rows of a page, and the bodies of the first ones: as many as `octets` allow.

    One job for both, as most FETCHes of a body are of one message. Runs on a database thread.
    """
    rows = queries.fetch_page(mailbox_id, uids, plan.columns)
    if not plan.bodies or not rows:
        return rows, []
    _, high = next(batches(plan, rows, octets))
    return rows, read_bodies(mailbox_id, plan, rows[:high])


def batches(plan: Plan, rows: Sequence[tuple[Any, ...]], octets: int) -> Iterator[tuple[int, int]]:
    """Cut a page into runs [low, high) of rows whose messages are at most `octets` together."""
    column = plan.columns.index("size") + 1
    low = total = 0
    for high, row in enumerate(rows):
        if high > low and total + row[column] > octets:
            yield low, high
            low, total = high, 0
        total += row[column]
    yield low, len(rows)


def read_bodies(mailbox_id: int, plan: Plan, rows: Sequence[tuple[Any, ...]]) -> list[Bodies]:
    """Return, for each row, its body items ready to send, or why they cannot be had.

    A damaged message is an answer for itself only. Runs on a database thread.
    """
    shown = queries.shown_page(mailbox_id, [row[0] for row in rows]) if plan.reads_blobs else {}
    names = ("uid", *plan.columns)
    return [_bodies_of(plan, dict(zip(names, row, strict=True)), shown.get(row[0])) for row in rows]


def _bodies_of(plan: Plan, row: dict[str, Any], shown: Shown | None) -> Bodies:
    reader = _Reader(row, shown)
    try:
        return [reader.cell(item) for item in plan.bodies]
    except MailError as error:
        return error


class _Reader:
    """Octets of one message, each thing read once."""

    __slots__ = ("_header", "_root", "_row", "_shown")

    def __init__(self, row: dict[str, Any], shown: Shown | None) -> None:
        self._row = row
        self._shown = shown
        self._root: mime_tree.Part | None = None
        self._header: bytes | None = None

    @property
    def shown(self) -> Shown:
        if self._shown is None:
            self._shown = queries.shown(self._row["message_id"], self._row["head_id"])
        return self._shown

    @property
    def root(self) -> mime_tree.Part:
        if self._root is None:
            self._root = load_parts(bytes(self._row["parts"]))
        return self._root

    def header(self) -> bytes:
        """The message's own header, from the row; from the blob if it was too long for that."""
        if self._header is None:
            kept = bytes(self._row["header"])
            self._header = bytes(self._row["head"] or b"") + kept if kept else self.shown.header()
        return self._header

    def cell(self, item: BodyItem | Attribute) -> Cell:
        if isinstance(item, Attribute):
            return b"BODY " + self._structure()
        section = item.section
        if _is_in_row(section):
            return _literal(item, filtered(self.header(), section))
        if section.part in {Part.FIELDS, Part.FIELDS_NOT}:
            found = self._range(Section(section.path, Part.HEADER))
            raw = None if found is None else filtered(self._read(*found), section)
            return _literal(item, raw)
        found = self._range(section)
        if found is None:
            return _literal(item, None)
        start, end = _cut(found, item.partial)
        if end - start > CHUNK:
            return Long(item.label, self.shown, start, end)
        return _literal(item, self._read(start, end), is_cut=True)

    def _read(self, start: int, end: int) -> bytes:
        raw = self.shown.part(start, end)
        if len(raw) != end - start:
            raise Damaged(f"{end - start - len(raw)} octets are missing")
        return raw

    def _range(self, section: Section) -> tuple[int, int] | None:
        if not section.path:
            size = self._row["size"]
            start = self.shown.header_size if section.part is Part.TEXT else 0
            return start, size
        what: Any = section.part.name if section.part is not Part.ALL else ""
        found = section_range(self.root, section.path, what)
        if found is None:
            return None
        head = len(self.shown.head)  # offsets count from behind it
        return found[0] + head, found[1] + head

    def _structure(self) -> bytes:
        """BODY: the structure without extension data.

        Stored parts hold all that it needs but the envelopes of enclosed messages.
        """
        root = self.root
        if any(part.is_message for part in root.walk()):
            root = mime_tree.scan_tree(self.shown.part(len(self.shown.head), self.shown.size))
        return bodystructure.body(root)


def filtered(raw: bytes, section: Section) -> bytes:
    """Return a header block, or the fields of it that the section names, with the empty line."""
    if section.part is Part.HEADER:
        return raw
    block = headers.scan(raw)
    names = {name.lower() for name in section.fields}
    wanted = section.part is Part.FIELDS
    kept = [raw[one.start : one.end] for one in block.fields if (one.name in names) is wanted]
    if kept and not kept[-1].endswith(b"\n"):
        kept.append(b"\r\n")
    return b"".join(kept) + b"\r\n"


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
