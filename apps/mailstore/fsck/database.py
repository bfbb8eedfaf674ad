"""What the database itself says of its file: SQLite's check of pages and indexes, and of rows that
name others which are not there.

Postgres checks its pages when they are read (data checksums), keeps such references itself, and has
amcheck for its indexes.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from django.db import connection

from apps.mailstore.fsck.finding import Finding
from apps.mailstore.services import reindexing
from apps.runtime.rows import fetch

_TOLD_AT_MOST: Final = 100
_OF_INDEX: Final = re.compile(
    r"(?:row \d+ missing from|wrong # of entries in|non-unique entry in) index (\w+)"
)


def check() -> Iterator[Finding]:
    """All findings; nothing on Postgres."""
    if connection.vendor != "sqlite":
        return
    rows = fetch(f"PRAGMA integrity_check({_TOLD_AT_MOST})", [])
    yield from of_lines([str(line) for (line,) in rows])
    for table, row, parent, _ in fetch("PRAGMA foreign_key_check", []):
        yield Finding("database", f"{table} {row}", f"names a row of {parent} that is not there")


def of_lines(lines: Iterable[str]) -> Iterator[Finding]:
    """What SQLite's check tells, an index once."""
    broken: dict[str, str] = {}
    for line in lines:
        found = _OF_INDEX.match(line)
        if found is not None:
            broken.setdefault(found[1], line)
        elif line != "ok":
            detail = f"{line}; restore a backup, or make a new file with sqlite3 .recover"
            yield Finding("database", "file", detail)
    for name, line in broken.items():
        yield Finding("database", name, line, mend=partial(reindexing.rebuild, name))


@contextmanager
def any_text() -> Iterator[None]:
    """Within: text that is no UTF-8 can be read from SQLite, so that a damaged column is found
    instead of ending the look at all others; its octets are surrogates (PEP 383)."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    raw = connection.connection
    before, raw.text_factory = raw.text_factory, _lenient
    try:
        yield
    finally:
        raw.text_factory = before


def _lenient(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")
