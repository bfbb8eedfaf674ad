"""Threads a result: what messages are threaded by, from columns, into the THREAD answer.

Of each message a few numbers are kept: hashes of Message-IDs and of the base subject, and a date.
The threads of a whole mailbox are kept beside them, until mail comes or goes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

from apps.imap.context import Context
from apps.imap.proto.sort import Algorithm
from apps.imap.search.conversations import (
    Material,
    Written,
    by_references,
    by_references_alone,
    ordered_subject,
    written,
)
from apps.imap.search.finding import Found
from apps.imap.search.reading import columns_of
from apps.imap.selected.columns import Column, Columns
from apps.runtime.db import in_db

_MAKE: Final = {
    Algorithm.ORDEREDSUBJECT: ordered_subject,
    Algorithm.REFERENCES: by_references,
    Algorithm.REFS: by_references_alone,
}
_LINKS: Final = (Column.IDENTITY, Column.REFERENCES)
_COLUMNS: Final = {
    Algorithm.ORDEREDSUBJECT: (Column.SENT, Column.TOPIC),
    Algorithm.REFERENCES: (Column.SENT, Column.TOPIC, *_LINKS),
    Algorithm.REFS: (Column.SENT, *_LINKS),
}
_AT_ONCE: Final = 20_000
"""Messages whose numbers are written in some milliseconds."""


async def threaded(context: Context, found: Found, algorithm: Algorithm, *, uid: bool) -> bytes:
    """Return the THREAD line of a result. Messages expunged meanwhile have nothing to be threaded
    by."""
    subject = found.subject
    columns = await columns_of(context, subject.view, subject.uids, _COLUMNS[algorithm])
    numbers = found.numbers(found.places, uid=uid)
    is_whole = len(found.places) == len(columns.uids)
    known: Written | None = columns.made.get(algorithm) if is_whole else None
    if known is not None and len(numbers) <= _AT_ONCE:
        return known.line(numbers)
    if known is None:
        known = await in_db("read", _written, columns, found.places, algorithm)
    if is_whole:
        columns.made[algorithm] = known
    return await in_db("read", known.line, numbers)


def _written(columns: Columns, places: Sequence[int], algorithm: Algorithm) -> Written:
    return written(_MAKE[algorithm](material_of(columns, places, algorithm)))


def material_of(columns: Columns, places: Sequence[int], algorithm: Algorithm) -> Material:
    """Return what messages are threaded by."""
    wanted = _COLUMNS[algorithm]
    is_whole = len(places) == len(columns.uids)

    def picked(column: Column) -> Any:
        values = columns.values[column]
        return values if is_whole else list(map(values.__getitem__, places))

    material = Material(dates=array("q", picked(Column.SENT)))
    nothing = array("q", bytes(8 * len(places)))
    material.ids = material.subjects = material.ends = nothing
    material.replies = bytearray(len(places))
    if Column.TOPIC in wanted:
        topics = picked(Column.TOPIC)
        material.subjects = array("q", [topic & ~1 for topic in topics])
        material.replies = bytearray([topic & 1 for topic in topics])
    if Column.REFERENCES in wanted:
        references: Sequence[bytes] = picked(Column.REFERENCES)
        material.ids = array("q", picked(Column.IDENTITY))
        material.references.frombytes(b"".join(references))
        size = material.references.itemsize
        material.ends = array("q", accumulate([len(one) // size for one in references]))
    return material
