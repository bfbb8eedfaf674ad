"""Commands that are run before the tables are there: they wait, or say what is to be done."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management.base import BaseCommand
from django.db import OperationalError
from pytest_django import Settings

from apps.ops import commands, locks, schema
from apps.ops.commands import wait_for_tables

pytestmark = pytest.mark.django_db(transaction=True)


class Behind:
    """A database that lacks a migration until somebody says otherwise."""

    def __init__(self) -> None:
        self.is_behind = True
        self.asked = threading.Event()

    def __call__(self) -> bool:
        self.asked.set()
        return self.is_behind


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Behind:
    found = Behind()
    settings.MAILHOST_DATA = tmp_path
    monkeypatch.setattr(schema, "missing_migrations", found)
    monkeypatch.setattr(commands, "LOOK_SECONDS", 0.01)
    return found


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of commands that Django was about to run."""
    found: list[str] = []
    monkeypatch.setattr(
        BaseCommand, "run_from_argv", lambda self, argv: found.append(argv[1]), raising=True
    )
    return found


@contextmanager
def somebody_at_it(behind: Behind) -> Iterator[None]:
    """Whoever brings the database up to date, and is done when that has been asked for."""

    def finish() -> None:
        assert behind.asked.wait(30)
        behind.is_behind = False

    thread = threading.Thread(target=finish)
    thread.start()
    yield
    thread.join()


def test_it_waits_while_the_tables_are_made(behind: Behind) -> None:
    with schema._alone(), somebody_at_it(behind):
        assert wait_for_tables() == ""


def test_it_waits_for_a_service_that_starts(behind: Behind) -> None:
    held = locks.hold(["listeners"])
    with somebody_at_it(behind):
        assert wait_for_tables() == ""
    locks.release(held)


def test_it_waits_for_no_ever(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(commands, "PATIENCE_SECONDS", 0.05)
    with schema._alone():
        assert "once `manage.py serve` has said that it is ready" in wait_for_tables()
    held = locks.hold(["web"])
    assert "one of an older version must be restarted" in wait_for_tables()
    locks.release(held)


def test_it_says_what_to_do_when_nobody_makes_them(behind: Behind, tmp_path: Path) -> None:
    assert wait_for_tables().startswith("The database is not ready: ")
    run = tmp_path / "run"
    run.mkdir()
    for text in ("", "x", "99999999999999999999", "-", "2147483647"):  # nobody's, or nonsense
        (run / "listeners.lock").write_text(text)
        assert "Start `manage.py serve`" in wait_for_tables()


def test_it_leaves_a_database_that_is_away_to_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away() -> bool:
        raise OperationalError("connection refused")

    monkeypatch.setattr(schema, "missing_migrations", away)
    assert wait_for_tables() == ""


def test_it_runs_no_command_without_tables(
    behind: Behind, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        commands.run(["manage.py", "domain", "list"])
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("Error: The database is not ready: ")
    assert ran == []
    behind.is_behind = False
    commands.run(["manage.py", "domain", "list"])
    assert ran == ["domain"]


@pytest.mark.parametrize("name", ["serve", "restore", "backup", "demo", "migrate", "check"])
def test_it_runs_what_needs_none(behind: Behind, ran: list[str], name: str) -> None:
    commands.run(["manage.py", name])
    assert ran == [name]


def test_it_waits_for_tables_where_a_verb_needs_them(
    behind: Behind, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    commands.run(["manage.py", "restore", "backup", "folder"])
    assert ran == ["restore"]
    with pytest.raises(SystemExit):
        commands.run(["manage.py", "restore", "list", "alice@example.test"])
    assert capsys.readouterr().err.startswith("Error: The database is not ready: ")
    assert ran == ["restore"]


def test_it_shows_help_without_tables(behind: Behind, ran: list[str]) -> None:
    commands.run(["manage.py", "domain", "--help"])
    commands.run(["manage.py", "domain", "add", "-h"])
    assert ran == ["domain", "domain"]


def test_it_says_that_a_word_is_no_text(
    behind: Behind, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    behind.is_behind = False

    def ask(self: BaseCommand, argv: list[str]) -> None:
        argv[-1].encode()

    monkeypatch.setattr(BaseCommand, "run_from_argv", ask)
    with pytest.raises(SystemExit) as ended:
        commands.run(["manage.py", "why", os.fsdecode(b"a\xff")])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "Error: An argument is not UTF-8.\n"
    commands.run(["manage.py", "why", "jos\u00e9"])


def test_it_ends_without_a_word_when_its_reader_has_enough(
    behind: Behind, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    behind.is_behind = False
    reading, writing = os.pipe()
    os.close(reading)

    def tell(self: BaseCommand, argv: list[str]) -> None:
        self.stdout.write("much")

    monkeypatch.setattr(BaseCommand, "run_from_argv", tell)
    with os.fdopen(writing, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        with pytest.raises(SystemExit) as ended:
            commands.run(["manage.py", "why", "alice@example.test"])
    assert ended.value.code == 1
    assert capfd.readouterr().err == ""
