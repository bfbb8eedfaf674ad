"""Bringing the database up to date, with a copy before."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from apps.ops import schema

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_finds_nothing_to_do_in_a_database_of_this_version() -> None:
    assert not schema.missing_migrations()
    schema.bring_up_to_date(lambda text: pytest.fail(text))


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """A version with one more migration; returns the calls of `migrate` that were made."""
    calls: list[tuple[object, ...]] = []
    known = schema.known()
    monkeypatch.setattr(schema, "known", lambda: known | {("ops", "0099_next")})
    monkeypatch.setattr(schema, "call_command", lambda *args, **_: calls.append(args))
    return calls


def test_it_keeps_a_copy_before_it_migrates(
    newer: list[tuple[object, ...]], settings: Settings, tmp_path: Path
) -> None:
    settings.MAILHOST_DATA = tmp_path
    said: list[str] = []
    schema.bring_up_to_date(said.append)
    assert newer == [("migrate",)]
    copies = list((tmp_path / "backups").glob("*")) if (tmp_path / "backups").exists() else []
    if connection.vendor != "sqlite":
        assert copies == []
        return
    (copy,) = copies
    assert copy.name.startswith(f"before-{settings.VERSION}-")
    assert str(copy) in said[0]
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert opened.execute("SELECT count(*) FROM django_migrations").fetchone()[0] > 10


def _sqlite_file(tmp_path: Path) -> Path:
    file = tmp_path / "live.sqlite3"
    with closing(sqlite3.connect(file)) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE t (x)")
        made.commit()
    return file


def test_it_copies_a_database_that_is_being_written(tmp_path: Path) -> None:
    """Two rows are always written together: a copy must have both or neither."""
    file = _sqlite_file(tmp_path)
    stop = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(file, timeout=20)) as live:
            number = 0
            while not stop.is_set():
                number += 1
                with live:
                    live.execute("INSERT INTO t VALUES (?)", (number,))
                    live.execute("INSERT INTO t VALUES (?)", (-number,))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            schema.copy_sqlite(file, tmp_path / f"copy{number}")
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        with closing(sqlite3.connect(tmp_path / f"copy{number}")) as copy:
            assert copy.execute("SELECT coalesce(sum(x), 0) FROM t").fetchone() == (0,)
    assert not list(tmp_path.glob(".copy*"))


def test_it_leaves_no_half_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _sqlite_file(tmp_path)

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("apps.ops.schema.os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        schema.copy_sqlite(file, tmp_path / "copy")
    assert {one.name for one in tmp_path.iterdir()} <= {
        "live.sqlite3",
        "live.sqlite3-wal",
        "live.sqlite3-shm",
    }


def test_it_keeps_the_newest_copies_only(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAILHOST_DATA = tmp_path
    copied: list[Path] = []

    def touch(_source: Path, target: Path) -> None:
        target.touch()
        copied.append(target)

    monkeypatch.setattr(schema, "copy_sqlite", touch)
    for _ in range(5):
        schema.copy_database()
    assert sorted((tmp_path / "backups").iterdir()) == sorted(copied[-schema.KEPT_COPIES :])


def test_it_lets_one_of_many_migrate(newer: list[tuple[object, ...]]) -> None:
    """Roles that start side by side all find the same thing to do."""
    done = threading.Event()
    applied = schema.applied

    def migrate(*args: object, **_: object) -> None:
        newer.append(args)
        done.set()

    def with_done() -> set[tuple[str, str]]:
        return applied() | ({("ops", "0099_next")} if done.is_set() else set())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "call_command", migrate)
        patch.setattr(schema, "applied", with_done)
        patch.setattr(schema, "copy_database", lambda: Path("copy"))
        _side_by_side(lambda: schema.bring_up_to_date(lambda _: None))
    assert len(newer) == 1


def _side_by_side(function: Callable[[], None]) -> None:
    def run() -> None:
        try:
            function()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
