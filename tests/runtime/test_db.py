"""The bridge from event loops to the database."""

import asyncio
import errno
import logging
import threading
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, ProgrammingError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.runtime import db
from apps.runtime.db import in_db, read_snapshot
from apps.wire.errors import Overloaded, StorageFull, StorageUnavailable

pytestmark = pytest.mark.django_db(transaction=True)


def _kill_connection() -> None:
    """As when the server goes away while nobody looks."""
    _one()
    connection.health_check_enabled = True  # type: ignore[attr-defined]
    assert connection.connection is not None
    connection.connection.close()


def _one() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return int(cursor.fetchone()[0])


async def test_it_returns_what_the_function_returns() -> None:
    assert await in_db("read", _one) == 1
    assert await in_db("write", "{}-{}".format, 1, 2) == "1-2"


async def test_it_keeps_one_connection_for_each_thread() -> None:
    def whose() -> tuple[int, int]:
        _one()
        return threading.get_ident(), id(connection.connection)

    first = await in_db("write", whose)
    second = await in_db("write", whose)
    assert first == second
    assert first[0] != threading.get_ident()


async def test_it_runs_writes_one_after_another() -> None:
    running = 0
    most = 0

    def write() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        Group.objects.count()
        running -= 1

    await asyncio.gather(*(in_db("write", write) for _ in range(20)))
    assert most == 1


async def test_it_lets_a_started_job_end_when_its_caller_is_cancelled() -> None:
    started, go, ended = threading.Event(), threading.Event(), threading.Event()

    def job() -> None:
        started.set()
        go.wait(10)
        Group.objects.create(name="kept")
        ended.set()

    task = asyncio.create_task(in_db("write", job))
    assert await asyncio.to_thread(started.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    assert await asyncio.to_thread(ended.wait, 10)
    assert await in_db("read", Group.objects.filter(name="kept").exists)


async def test_it_drops_a_cancelled_job_that_has_not_started() -> None:
    started, go = threading.Event(), threading.Event()
    ran: list[str] = []

    def block() -> None:
        started.set()
        go.wait(10)

    blocking = asyncio.create_task(in_db("write", block))
    assert await asyncio.to_thread(started.wait, 10)
    waiting = asyncio.create_task(in_db("write", ran.append, "never"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go.set()
    await blocking
    await in_db("write", ran.append, "later")
    assert ran == ["later"]


async def test_it_logs_the_failure_of_a_job_that_nobody_waits_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    started, go = threading.Event(), threading.Event()

    def fail() -> None:
        started.set()
        go.wait(10)
        raise OperationalError("gone")

    task = asyncio.create_task(in_db("write", fail))
    assert await asyncio.to_thread(started.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with caplog.at_level(logging.ERROR, logger="apps.runtime.db"):
        go.set()
        await in_db("write", _one)  # behind it in the same line
    assert "after its caller had gone" in caplog.text


async def test_it_refuses_more_than_its_line_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    db.shutdown()
    monkeypatch.setitem(db._POOLS, "hash", (1, 2))
    go = threading.Event()
    tasks = [asyncio.create_task(in_db("hash", go.wait, 10)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await in_db("hash", _one)
    go.set()
    await asyncio.gather(*tasks)
    assert await in_db("hash", _one) == 1
    db.shutdown()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OperationalError("server closed the connection"), StorageUnavailable),
        (OSError(errno.ENOSPC, "full"), StorageFull),
        (KeyError("defect"), KeyError),
    ],
)
async def test_it_translates_what_the_function_raises(
    error: Exception, told: type[Exception]
) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(told):
        await in_db("read", fail)


async def test_it_gets_a_new_connection_after_one_broke() -> None:
    def break_it() -> None:
        _kill_connection()
        _one()

    # SQLite's word for a closed file is one for a wrong call; what matters is what comes after.
    with pytest.raises((StorageUnavailable, ProgrammingError)):
        await in_db("write", break_it)
    assert await in_db("write", _one) == 1


async def test_it_notices_that_a_rested_connection_died(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a restart of the database server: no job must be the one that finds out."""
    monkeypatch.setattr(db, "_RESTED", -1.0)
    await in_db("write", _kill_connection)
    assert await in_db("write", _one) == 1


async def test_it_ends_a_transaction_that_a_failed_job_left_open() -> None:
    def leave_open() -> None:
        connection.set_autocommit(False)
        Group.objects.create(name="lost")
        raise KeyError("defect")

    with pytest.raises(KeyError):
        await in_db("write", leave_open)
    assert not await in_db("read", Group.objects.filter(name="lost").exists)
    await in_db("write", lambda: Group.objects.create(name="next"))
    assert await in_db("read", Group.objects.filter(name="next").exists)


async def test_it_closes_its_connections_at_the_end() -> None:
    wrappers: list[BaseDatabaseWrapper] = []

    def remember() -> None:
        _one()
        wrappers.append(connections["default"])

    await in_db("write", remember)
    db.shutdown()
    assert [one.connection for one in wrappers] == [None]


def _in_thread(function: Callable[[], object]) -> None:
    """Run on another thread, with a connection of its own that is closed in the end."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            function()
        except Exception as error:  # noqa: BLE001 - the test's own thread raises it
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    if failed:
        raise failed[0]


def test_it_shows_one_moment_within_a_snapshot() -> None:
    Group.objects.create(name="before")
    with read_snapshot():
        assert Group.objects.count() == 1
        _in_thread(lambda: Group.objects.create(name="meanwhile"))
        assert Group.objects.count() == 1
    assert Group.objects.count() == 2


def test_it_refuses_to_write_within_a_snapshot() -> None:
    with pytest.raises(Exception, match=r"(?i)read.?(snapshot|only)"), read_snapshot():
        Group.objects.create(name="never")
    assert not Group.objects.exists()
    Group.objects.create(name="now")
    assert Group.objects.exists()


def test_it_leaves_a_transaction_that_is_open_alone() -> None:
    with transaction.atomic():
        Group.objects.create(name="own")
        with read_snapshot():
            assert Group.objects.count() == 1
        Group.objects.create(name="also")
    assert Group.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_it_goes_back_to_full_durability_after_a_forgettable_transaction() -> None:
    def synchronous() -> object:
        asked = "PRAGMA synchronous" if db.is_sqlite() else "SHOW synchronous_commit"
        with connection.cursor() as cursor:
            cursor.execute(asked)
            return cursor.fetchone()[0]

    before = synchronous()
    with db.forgettable():
        assert connection.in_atomic_block
        assert synchronous() != before
    assert synchronous() == before
    with pytest.raises(ZeroDivisionError), db.forgettable():
        _ = 1 / 0
    assert synchronous() == before
    assert not connection.in_atomic_block
