"""A whole file: its columns, its lines, and what was to be said of how it was read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from apps.provisioning.bulk import columns, table
from apps.provisioning.bulk.cells import plain
from apps.provisioning.bulk.columns import Layout
from apps.provisioning.bulk.table import Record
from apps.provisioning.bulk.text import decoded
from apps.wire.errors import InvalidName


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file.

    Args:
        number: in the file, the first is 1.
        cells: texts by field; no secret is among them.
        trouble: what is wrong with the line as such; "" if nothing is.
    """

    number: int
    cells: Mapping[str, str]
    password: str = field(default="", repr=False)
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that was read."""

    kind: str
    layout: Layout
    lines: list[Line]
    notes: list[str]


def read(octets: bytes, kind: str) -> Sheet:
    """Read a file.

    Raises:
        InvalidName: it cannot be read; in a sentence for who sent it.
    """
    text = decoded(octets)
    found = table.records(text.characters)
    first = next(found, None)
    if first is None:
        raise InvalidName("empty file", text="There is nothing in it")
    layout = columns.layout(kind, first.cells)
    notes = [text.note] if text.note else []
    if layout.unread:
        shown = ", ".join(name or "one without a name" for name in layout.unread[:10])
        notes.append(f"Not read: {shown}.")
    lines = [_line(layout, record) for record in found]
    if not lines:
        raise InvalidName("no lines", text="Below the names of the columns there is nothing")
    return Sheet(kind, layout, lines, notes)


def _line(layout: Layout, record: Record) -> Line:
    cells = {
        field: plain(cell).strip()
        for field, cell in zip(layout.fields, record.cells, strict=False)
        if field and field != "password"
    }
    password = ""
    if "password" in layout.fields:
        at = layout.fields.index("password")
        password = plain(record.cells[at]) if at < len(record.cells) else ""
    return Line(record.number, cells, password, _trouble(layout, record))


def _trouble(layout: Layout, record: Record) -> str:
    if record.is_cut:
        return f"A cell is longer than {table.CELL:,} characters"
    beyond = record.cells[len(layout.names) :]
    if any(cell.strip() for cell in beyond):
        return f"It has {len(record.cells)} cells, and the first line names {len(layout.names)}"
    return ""
