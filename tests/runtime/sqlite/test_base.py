"""The database backend: which statements take a turn, and that each gives it back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, transaction
from django.db.transaction import TransactionManagementError
from django.db.utils import ConnectionHandler

from apps.runtime.sqlite.base import DatabaseWrapper
from apps.runtime.sqlite.turnstile import Turnstile

INSERT = "INSERT INTO t (x) VALUES (%s)"


class Database:
    """A SQLite file of the test's own, with two connections and a stranger who wants a turn."""

    def __init__(self, file: Path) -> None:
        config = {
            "ENGINE": "apps.runtime.sqlite",
            "NAME": str(file),
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 0.2},
        }
        self.one = self._connect(config)
        self.two = self._connect(config)
        self.stranger = Turnstile(str(file))
        with self.one.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("CREATE TABLE t (x INTEGER UNIQUE)")

    @staticmethod
    def _connect(config: dict[str, Any]) -> DatabaseWrapper:
        handler = ConnectionHandler({"default": config})
        connection = handler["default"]
        assert isinstance(connection, DatabaseWrapper)
        return connection

    def turn_is_free(self) -> bool:
        try:
            self.stranger.enter(limit=0.0)
        except OperationalError:
            return False
        self.stranger.leave()
        return True

    def rows(self, connection: DatabaseWrapper) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT x FROM t ORDER BY x")
            return [row[0] for row in cursor.fetchall()]


@pytest.fixture
def database(tmp_path: Path, django_db_blocker: Any) -> Iterator[Database]:
    with django_db_blocker.unblock():
        made = Database(tmp_path / "test.sqlite3")
        yield made
        made.one.close()
        made.two.close()
        made.stranger.close()


def _insert(connection: DatabaseWrapper, value: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [value])


def _insert_and_fail(connection: DatabaseWrapper, value: int) -> None:
    _insert(connection, value)
    raise ZeroDivisionError


class _Atomic(transaction.Atomic):
    """`transaction.atomic` for a connection that Django's registry does not know."""

    def __init__(self, connection: DatabaseWrapper, *, savepoint: bool = True) -> None:
        super().__init__(None, savepoint, False)
        self._connection = connection

    def __enter__(self) -> None:
        transaction_get, transaction.get_connection = transaction.get_connection, self._get
        try:
            super().__enter__()
        finally:
            transaction.get_connection = transaction_get

    def __exit__(self, *args: Any) -> None:
        transaction_get, transaction.get_connection = transaction.get_connection, self._get
        try:
            super().__exit__(*args)
        finally:
            transaction.get_connection = transaction_get

    def _get(self, using: str | None = None) -> Any:
        return self._connection


def test_it_holds_the_turn_for_the_whole_transaction(database: Database) -> None:
    with _Atomic(database.one):
        assert not database.turn_is_free()  # from BEGIN on, before the first statement
        _insert(database.one, 1)
        assert not database.turn_is_free()
    assert database.turn_is_free()
    assert database.rows(database.two) == [1]


def test_it_gives_the_turn_back_after_an_error(database: Database) -> None:
    _insert(database.one, 1)
    with pytest.raises(IntegrityError), _Atomic(database.one):
        _insert(database.one, 1)
    assert database.turn_is_free()
    with pytest.raises(ZeroDivisionError), _Atomic(database.one):
        _insert_and_fail(database.one, 2)
    assert database.turn_is_free()
    assert database.rows(database.one) == [1]


def test_it_keeps_the_turn_across_savepoints(database: Database) -> None:
    with _Atomic(database.one):
        _insert(database.one, 1)
        with pytest.raises(IntegrityError), _Atomic(database.one):
            _insert(database.one, 1)
        assert not database.turn_is_free()
        with _Atomic(database.one):
            _insert(database.one, 2)
        assert not database.turn_is_free()
    assert database.turn_is_free()
    assert database.rows(database.two) == [1, 2]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t (x) VALUES (1)",
        "\n        update t set x = 2",
        "DELETE FROM t",
        "WITH v(x) AS (SELECT 5) INSERT INTO t SELECT x FROM v",
        "CREATE TABLE u (x)",
    ],
)
def test_it_makes_an_autocommit_write_wait_for_its_turn(
    database: Database, sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter = Turnstile.enter
    monkeypatch.setattr(Turnstile, "enter", lambda self, limit=0.05: enter(self, limit))
    database.stranger.enter()
    with pytest.raises(OperationalError, match="no turn"), database.one.cursor() as cursor:
        cursor.execute(sql)
    database.stranger.leave()
    with database.one.cursor() as cursor:
        cursor.execute(sql)
    assert database.turn_is_free()


@pytest.mark.parametrize("sql", ["SELECT x FROM t", "\n  select 1", "PRAGMA user_version"])
def test_it_lets_reads_pass_without_a_turn(database: Database, sql: str) -> None:
    database.stranger.enter()
    with database.one.cursor() as cursor:
        cursor.execute(sql)
        cursor.fetchall()
    database.stranger.leave()


def test_it_reads_a_snapshot_beside_a_writer(database: Database) -> None:
    _insert(database.one, 1)
    with database.two.snapshot(), _Atomic(database.two):
        assert database.rows(database.two) == [1]
        assert database.turn_is_free()
        _insert(database.one, 2)
        assert database.rows(database.two) == [1]  # as it was at the first read
    assert database.rows(database.two) == [1, 2]


def test_it_refuses_a_write_inside_a_snapshot(database: Database) -> None:
    with (
        pytest.raises(TransactionManagementError, match="read_snapshot"),
        database.one.snapshot(),
        _Atomic(database.one),
    ):
        _insert(database.one, 1)
    _insert(database.one, 2)
    assert database.rows(database.one) == [2]
    assert database.turn_is_free()


def test_it_gives_the_turn_back_when_closed_in_a_transaction(database: Database) -> None:
    with _Atomic(database.one):
        _insert(database.one, 1)
        database.one.close()
        assert database.turn_is_free()
    assert database.rows(database.two) == []
    _insert(database.one, 3)
    assert database.rows(database.two) == [3]


def test_it_gives_the_turn_back_when_begin_fails(database: Database) -> None:
    """Somebody who does not know the turnstile holds the write lock: BEGIN IMMEDIATE times out."""
    with database.two.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"), _Atomic(database.one):
        raise AssertionError("not reached")
    assert database.turn_is_free()
    with database.two.cursor() as cursor:
        cursor.execute("ROLLBACK")
    _insert(database.one, 1)


def test_it_gives_the_turn_back_when_the_commit_fails(database: Database) -> None:
    with database.one.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("CREATE TABLE p (id INTEGER PRIMARY KEY)")
        cursor.execute("CREATE TABLE c (p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(DatabaseError), _Atomic(database.one), database.one.cursor() as cursor:
        cursor.execute("INSERT INTO c VALUES (7)")
    assert database.turn_is_free()
    _insert(database.one, 1)


def test_it_runs_commit_hooks_after_the_turn(database: Database) -> None:
    found: list[bool] = []
    with _Atomic(database.one):
        database.one.on_commit(lambda: found.append(database.turn_is_free()))
    assert found == [True]


def test_it_takes_marks_of_every_style(database: Database) -> None:
    long = " " * 5_000  # longer than what is remembered
    with database.one.cursor() as cursor:
        for sql in ("SELECT %s, '50 %%', '?'", f"SELECT %s, '50 %%', '?'{long}"):
            for value in (1, 2):
                cursor.execute(sql, [value])
                assert cursor.fetchall() == [(value, "50 %", "?")]
        cursor.execute("SELECT %(one)s, %(two)s", {"one": 1, "two": 2})
        assert cursor.fetchall() == [(1, 2)]
        cursor.execute("SELECT '%s %%'")
        assert cursor.fetchall() == [("%s %%",)]
        cursor.executemany(INSERT, ([5], [6]))
    assert database.rows(database.one) == [5, 6]
