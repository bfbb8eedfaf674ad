"""What the columns of the queue take and give: the database's clock, UUIDs, words."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.runtime.db import forgettable, is_sqlite

SECOND = 1_000_000  # all times are in microseconds

# The database's clock, in microseconds: workers on other machines may have another one. It stands
# still during a statement, so that an index can be searched by it.
NOW = {
    "sqlite": "CAST(ROUND((julianday('now') - 2440587.5) * 86400000000.0) AS INTEGER)",
    "postgresql": "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS bigint)",
}


def told(words: str, limit: int = 500) -> str:
    """Words as the columns take them: short, without what no text column of Postgres takes (an
    exception may quote anything)."""
    return words[:limit].encode("utf-8", "replace").decode().replace("\0", "?")


def uuid_of(value: Any) -> UUID:
    """Postgres gives UUIDs, SQLite their 32 hexadecimal digits."""
    return value if isinstance(value, UUID) else UUID(value)


def cuts_of(column: str) -> tuple[tuple[int, int], ...]:
    """The byte ranges that the column holds as JSON."""
    return () if column == "[]" else tuple((start, end) for start, end in json.loads(column))


def marks(values: Sequence[Any]) -> str:
    """As many marks as there are values."""
    return ",".join(["%s"] * len(values))


def database_now_us() -> int:
    """What the database's clock says, in Unix microseconds."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {NOW[connection.vendor]}")
        return int(cursor.fetchone()[0])


def chosen(rows: str) -> str:
    """`id` is among those that the SELECT `rows` finds.

    Postgres may run a bare `IN (SELECT … LIMIT n … SKIP LOCKED)` once for each outer row, and so
    change more than n; inside ARRAY() it runs once. The rows are locked by it, so nothing need be
    asked of them again: a condition that a partial index knows would tempt a planner without fresh
    statistics to read all of that index.
    """
    if connection.vendor == "postgresql":
        return f"id = ANY (ARRAY({rows}))"
    return f"id IN ({rows})"


def locking(how: str = "") -> str:
    """What makes a SELECT lock its rows; SQLite has one writer at a time and knows no word for it.

    Args:
        how: SKIP LOCKED to pass over what others have locked.
    """
    return f" FOR UPDATE {how}" if connection.vendor == "postgresql" else ""


def in_order(where: str) -> str:
    """`id` is among the recipients of which the constant condition is true; locked in one order
    first, for two statements that change many rows must not wait for each other."""
    if connection.vendor == "postgresql":
        rows = f"SELECT id FROM mailqueue_queuedrecipient WHERE {where} ORDER BY id FOR UPDATE"
        return f"id = ANY (ARRAY({rows}))"
    return where


def rows_of(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a constant SELECT."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


@contextmanager
def lasting() -> Iterator[None]:
    """A transaction for leases of what leaves: it is there after a crash of the database server,
    which the lease's holder may survive and go on sending. On SQLite only a power cut could undo
    it, and that ends the holder too."""
    if is_sqlite():
        with forgettable():
            yield
    else:
        with transaction.atomic():
            yield
