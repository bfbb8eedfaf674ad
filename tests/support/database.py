"""A database that goes away and comes back, and one that is quickly empty again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from unittest.mock import patch

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

from apps.audit.guard import lifted

Switch = Callable[[bool], None]
_GUARDED = '"audit_auditrecord"'
MANY = 1_000  # rows whose remains would slow down whoever reads the table next (Postgres)


@contextmanager
def without(table: str) -> Iterator[None]:
    """Take a table away for a while: to the doors the database is broken."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO taken_away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE taken_away RENAME TO {table}")


@contextmanager
def breakable() -> Iterator[Switch]:
    """Yields a switch: while it is on, each statement of every thread fails as the driver's do when
    the server is away."""
    usual = CursorWrapper._execute  # type: ignore[attr-defined]
    gone = [False]

    def execute(self: CursorWrapper, *arguments: object) -> object:
        if gone[0]:
            raise OperationalError("server closed the connection unexpectedly")
        return usual(self, *arguments)

    with patch.object(CursorWrapper, "_execute", execute):
        yield lambda on: gone.__setitem__(0, on)


def empty_tables() -> None:
    """Delete every row, as Django's flush does after a test whose transactions were real.

    Django's truncates sixty tables, new files for each (Postgres: 100 ms), and then writes a list
    of permissions that nobody reads (60 ms). Most tests leave rows in a handful of tables.
    """
    crowded = []
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # No foreign key is looked at: all rows go, and the order of the tables is any.
            cursor.execute("SET LOCAL session_replication_role = replica")
        for table in _filled(cursor):
            # Of SQLite no trigger can be told to look away.
            with lifted() if table == _GUARDED and connection.vendor == "sqlite" else nullcontext():
                cursor.execute(f"DELETE FROM {table}")
            if cursor.rowcount > MANY:
                crowded.append(table)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for table in crowded:
                cursor.execute(f"VACUUM {table}")


def _filled(cursor: CursorWrapper) -> list[str]:
    """The tables that have rows, their names quoted."""
    cursor.execute(_which_are_filled())
    return [name for (name,) in cursor.fetchall()]


@cache
def _which_are_filled() -> str:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = [connection.ops.quote_name(name) for name in sorted(names)]
    return " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables
    )
