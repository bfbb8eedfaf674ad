"""DatabaseWrapper with the turnstile.

Every transaction that `atomic()` opens is a write (BEGIN IMMEDIATE) and takes its turn first;
every autocommit statement that writes takes it too. Reads that need one consistent view use
`apps.runtime.db.read_snapshot()`, which opens a DEFERRED transaction without a turn.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db.backends.sqlite3.base import FORMAT_QMARK_REGEX, SQLiteCursorWrapper
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLiteWrapper
from django.db.backends.utils import CursorWrapper
from django.db.transaction import TransactionManagementError

from apps.runtime.sqlite.turnstile import Turnstile

# WITH may begin a write as well, so it takes a turn: one too many is harmless, one too few is not.
_only_reads = re.compile(
    r"\s*(?:SELECT|VALUES|PRAGMA|EXPLAIN|SAVEPOINT|RELEASE|ROLLBACK|COMMIT|BEGIN)\b", re.IGNORECASE
).match
Execute = Callable[[str, Any, bool, dict[str, Any]], Any]
_CONSTANT = 4_096  # octets: longer texts have lists in them, and are hardly ever the same


class Cursor(SQLiteCursorWrapper):
    """A cursor that gives a statement SQLite's own marks once, not each time: of a transaction of
    twelve constant statements that was a tenth."""

    def convert_query(self, query: str, *, param_names: Iterable[str] | None = None) -> str:
        if param_names is None and len(query) <= _CONSTANT:
            return _marked(query)
        converted: str = super().convert_query(query, param_names=param_names)
        return converted


@lru_cache(maxsize=512)
def _marked(query: str) -> str:
    return FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


class Statements(CursorWrapper):
    """What code sees of a cursor. In a transaction that writes, everything that is decided for each
    statement elsewhere is settled already: without it a statement takes half the time."""

    def execute(self, sql: Any, params: Any = None) -> Any:
        if not self.db.is_settled:
            return super().execute(sql, params)
        return self._execute(sql, params)

    def executemany(self, sql: Any, param_list: Any) -> Any:
        if not self.db.is_settled:
            return super().executemany(sql, param_list)
        return self._executemany(sql, param_list)

    def fetchone(self) -> Any:
        with self.db.wrap_database_errors:
            return self.cursor.fetchone()

    def fetchall(self) -> Any:
        with self.db.wrap_database_errors:
            return self.cursor.fetchall()


class DatabaseWrapper(SQLiteWrapper):
    """SQLite whose writers of all processes stand in one fair line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turnstile: Turnstile | None = None
        self._snapshot = False
        self.execute_wrappers.append(self._one_statement)

    @property
    def turnstile(self) -> Turnstile:
        if self._turnstile is None:
            self._turnstile = Turnstile(str(self.settings_dict["NAME"]))
        return self._turnstile

    def create_cursor(self, name: str | None = None) -> Cursor:
        made: Cursor = self.connection.cursor(factory=Cursor)
        return made

    def make_cursor(self, cursor: Any) -> Statements:
        return Statements(cursor, self)

    def cursor(self) -> Any:
        if self.is_settled and not self.queries_logged and self.connection is not None:
            return self.make_cursor(self.create_cursor())
        return super().cursor()

    @property
    def is_settled(self) -> bool:
        """Whether a transaction that writes is open, so that the turn is taken, and nobody else
        wants to see each statement."""
        return self.in_atomic_block and not self._snapshot and len(self.execute_wrappers) == 1

    def write_settled(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement with SQLite's own marks for each of some rows, when all is settled: a
        cursor of Django's takes longer than a row."""
        self.validate_no_broken_transaction()
        with self.wrap_database_errors:
            if len(rows) == 1:
                self.connection.execute(sql, rows[0])
            else:
                self.connection.executemany(sql, rows)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Within: the next transaction is DEFERRED, reads only, and takes no turn."""
        before, self._snapshot = self._snapshot, True
        try:
            yield
        finally:
            self._snapshot = before

    def is_usable(self) -> bool:
        """Django's own says yes whatever happened to the file."""
        try:
            self.connection.execute("SELECT 1")
        except sqlite3.Error:
            return False
        return True

    def _start_transaction_under_autocommit(self) -> None:
        if self._snapshot:
            self.cursor().execute("BEGIN DEFERRED")
            return
        self._enter()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._leave()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        # Only after a COMMIT that worked: after a failed one Django rolls back, which leaves.
        self._leave()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._leave()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            if self._turnstile is not None:
                self._turnstile.close()

    def _one_statement(
        self, execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """Give an autocommit write its turn; statements inside a transaction have it already."""
        if (self.in_atomic_block and not self._snapshot) or _only_reads(str(sql)):
            return execute(sql, params, many, context)
        if self._snapshot:
            # Postgres refuses it too. Here it would upgrade the lock past the line of writers.
            raise TransactionManagementError("a write inside read_snapshot()")
        if self._holds():
            return execute(sql, params, many, context)
        self._enter()
        try:
            return execute(sql, params, many, context)
        finally:
            self._leave()

    def _holds(self) -> bool:
        return self._turnstile is not None and self._turnstile.held

    def _enter(self) -> None:
        if not self.is_in_memory_db():
            self.turnstile.enter()

    def _leave(self) -> None:
        if self._turnstile is not None:
            self._turnstile.leave()
