"""Rows of a table in the order of their numbers, without one that is left out.

Postgres gives out numbers when rows are written, and shows the rows when their transactions commit:
a lower number may appear after a greater one. So a gap among them is gone round only when no
transaction is left that may still fill it. One that was rolled back leaves a gap for ever.
"""

import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from apps.runtime.db import is_sqlite
from apps.runtime.rows import fetch

_STEP: Final = 0.02
# Whoever has written to the table, or is about to, holds this lock until its end. One that has been
# open for more than a minute belongs to somebody who has gone.
_WRITERS: Final = """
SELECT DISTINCT l.virtualtransaction FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = CAST(%s AS regclass) AND l.mode = 'RowExclusiveLock' AND l.granted
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND l.pid <> pg_backend_pid() AND a.xact_start > now() - interval '1 minute'"""


class Rows(NamedTuple):
    """Some rows; none with a lesser number than the last of them will appear.

    Args:
        is_all: nothing stands after them, and they wait for nobody.
    """

    rows: list[tuple[Any, ...]]
    is_all: bool


class Log:
    """A table whose rows are added and numbered by `id`.

    Args:
        table, columns: constants; the columns are read behind the number.
    """

    __slots__ = ("_again", "_next", "_table")

    def __init__(self, table: str, *columns: str) -> None:
        names = ", ".join(("id", *columns))
        self._table = table
        self._next = f"SELECT {names} FROM {table} WHERE id > %s ORDER BY id LIMIT %s"  # noqa: S608
        self._again = f"SELECT {names} FROM {table} WHERE id > %s AND id <= %s ORDER BY id LIMIT %s"  # noqa: S608

    def after(self, row_id: int, most: int, patience: float = 0.0) -> Rows:
        """The next rows.

        Args:
            most: how many at the most.
            patience: seconds to wait for transactions that may fill a gap.
        """
        rows = fetch(self._next, [row_id, most])
        is_all = len(rows) < most
        if not is_sqlite() and rows and rows[-1][0] - row_id != len(rows):
            whole = self._without_gaps(row_id, rows, most, patience)
            is_all = is_all and len(whole) >= len(rows)
            rows = whole
        return Rows(rows, is_all)

    def _without_gaps(
        self, row_id: int, rows: Sequence[tuple[Any, ...]], most: int, patience: float
    ) -> list[tuple[Any, ...]]:
        if self._have_ended(patience):
            # What they have written before they ended can be seen now.
            return fetch(self._again, [row_id, rows[-1][0], most])
        return [row for place, row in enumerate(rows, row_id + 1) if row[0] == place]

    def _have_ended(self, patience: float) -> bool:
        """Whether all transactions have ended that might fill a gap that was seen before."""
        until = time.monotonic() + patience
        waited = self._writers()
        while waited and time.monotonic() < until:
            time.sleep(_STEP)
            waited &= self._writers()
        return not waited

    def _writers(self) -> set[str]:
        return {name for (name,) in fetch(_WRITERS, [self._table])}
