"""Many rows in one constant statement, on both databases.

SQLite runs one prepared single-row statement per row inside the C library (executemany); Postgres
takes all rows as arrays through unnest, so that its text, and with it its plan, is the same for any
number of rows. Both beat the ORM's INSERT by ten times and more. The statements themselves belong
to the services that write.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connection, connections

Row = Sequence[Any]


class ManyRows:
    """A constant INSERT of any number of rows.

    Args:
        head: `INSERT INTO table (columns…)`, without VALUES.
        types: Postgres types of the columns, in order, divided by spaces. UUIDs are given as 32
            hexadecimal digits.
        tail: what follows the rows, such as `ON CONFLICT DO NOTHING`.
    """

    __slots__ = ("_bare", "_postgres", "_sqlite")

    def __init__(self, head: str, types: str, tail: str = "") -> None:
        words: Final = types.split()
        arrays = ", ".join(f"%s::{word}[]" for word in words)
        self._sqlite, self._bare = (
            f"{head} VALUES ({', '.join([mark] * len(words))}) {tail}" for mark in ("%s", "?")
        )
        self._postgres = f"{head} SELECT * FROM unnest({arrays}) {tail}"  # noqa: S608 - constants

    def write(self, rows: Sequence[Row]) -> None:
        """Insert all rows, within the caller's transaction; nothing for no rows."""
        if not rows:
            return
        here: Any = connections[DEFAULT_DB_ALIAS]  # looked up once: that takes as long as a row
        if here.vendor != "sqlite":
            with here.cursor() as cursor:
                cursor.execute(self._postgres, [list(column) for column in zip(*rows, strict=True)])
        elif here.is_settled and not here.queries_logged:
            here.write_settled(self._bare, rows)
        else:
            with here.cursor() as cursor:
                cursor.executemany(self._sqlite, rows)


def allocate_ids(table: str, count: int) -> list[int]:
    """Ids for `count` rows of a table with a BigAutoField, within the transaction that will insert
    them.

    On SQLite the caller's transaction holds the write lock, so the next ids are what AUTOINCREMENT
    remembers, and inserting them moves that on: no id is ever given twice, not even after the
    newest row was deleted.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            row = cursor.fetchone()
            last = int(row[0]) if row else 0
            return list(range(last + 1, last + 1 + count))
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [table, count],
        )
        return [int(row[0]) for row in cursor.fetchall()]


class Values:
    """A small table of parameters inside one constant statement: unnest on Postgres, json_each on
    SQLite.

    Args:
        name: the alias it is known by in the statement.
        columns: `name type` pairs divided by commas, with Postgres types; numbers and text only.
    """

    __slots__ = ("_postgres", "_sqlite")

    def __init__(self, name: str, columns: str) -> None:
        pairs: Final = [pair.split() for pair in columns.split(",")]
        arrays = ", ".join(f"%s::{kind}[]" for _, kind in pairs)
        self._postgres = f"unnest({arrays}) AS {name}({', '.join(column for column, _ in pairs)})"
        picked = ", ".join(
            f"json_extract(value, '$[{place}]') AS {column}"
            for place, (column, _) in enumerate(pairs)
        )
        self._sqlite = f"(SELECT {picked} FROM json_each(%s)) AS {name}"  # noqa: S608 - constants

    @property
    def sql(self) -> str:
        """What stands in the FROM clause."""
        return self._sqlite if connection.vendor == "sqlite" else self._postgres

    @staticmethod
    def parameters(rows: Sequence[Row]) -> list[Any]:
        """The parameters that stand for `rows`, of which there is at least one."""
        if connection.vendor == "sqlite":
            return [json.dumps(rows)]
        return [list(column) for column in zip(*rows, strict=True)]


def among(column: str) -> str:
    """`column` is one of a list of numbers; the text does not depend on how many there are."""
    if connection.vendor == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - a constant name
    return f"{column} = ANY(%s::bigint[])"


def listed(numbers: Sequence[int]) -> Any:
    """The one parameter of `among`."""
    return json.dumps(numbers) if connection.vendor == "sqlite" else list(numbers)


def among_texts(column: str) -> str:
    """`among` for texts."""
    if connection.vendor == "sqlite":
        return among(column)
    return f"{column} = ANY(%s::text[])"


def listed_texts(texts: Sequence[str]) -> Any:
    """The one parameter of `among_texts`."""
    return json.dumps(texts) if connection.vendor == "sqlite" else list(texts)


def fetch(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a constant SELECT."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def aware(at: datetime) -> datetime:
    """A time of a row as the ORM would give it: the driver's has no zone on SQLite, and is UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)
