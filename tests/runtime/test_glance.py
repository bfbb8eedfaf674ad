"""Point reads on the loop's own thread: they see what is committed, change nothing, never wait."""

import asyncio
import itertools
import sqlite3
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import ProgrammingError, connections, transaction

from apps.runtime import db
from apps.runtime import glance as glance_module
from apps.runtime.db import is_sqlite
from apps.runtime.glance import Ask, forget, glance, warm
from apps.runtime.ulid import new_ulid
from apps.trace.models import TraceEvent  # any table will do
from apps.wire.errors import StorageUnavailable
from tests.support.database import breakable

pytestmark = pytest.mark.django_db(transaction=True)

# Of this file alone: what another test left running may write what it likes.
KIND = "glance"
COUNT = f"SELECT count(*) FROM {TraceEvent._meta.db_table} WHERE kind = %s"


def count(ask: Ask) -> int:
    return int(ask(COUNT, [KIND])[0][0])


def thread_and_count(ask: Ask) -> tuple[threading.Thread, int]:
    return threading.current_thread(), count(ask)


def make(*, fails: bool = False) -> None:
    with transaction.atomic():
        TraceEvent.objects.create(trace_id=new_ulid(), at=1, kind=KIND)
        if fails:
            raise ZeroDivisionError


@pytest.fixture(autouse=True)
def _everything_ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(glance_module, "_disk_reads", lambda: 0)
    glance_module._here.__dict__.clear()
    yield
    forget()
    glance_module._here.__dict__.clear()
    db.shutdown()


async def test_it_asks_without_a_thread_only_where_that_is_cheap() -> None:
    thread, found = await glance(thread_and_count)
    assert found == 0
    assert (thread is threading.current_thread()) is is_sqlite()


async def test_it_sees_what_was_committed_before_and_nothing_else() -> None:
    assert await glance(count) == 0
    await db.in_db("work", make)
    assert await glance(count) == 1
    with pytest.raises(ZeroDivisionError):
        await db.in_db("work", make, fails=True)
    assert await glance(count) == 1


async def test_it_sees_what_another_transaction_has_not_committed_yet_only_afterwards() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            TraceEvent.objects.create(trace_id=new_ulid(), at=1, kind=KIND)
            inside.set()
            assert go_on.wait(20)

    writing = asyncio.create_task(db.in_db("work", slowly))
    assert await asyncio.to_thread(inside.wait, 20)
    assert await asyncio.wait_for(glance(count), 5) == 0  # a writer holds no reader up
    go_on.set()
    await writing
    assert await glance(count) == 1


async def test_it_cannot_write() -> None:
    def write(ask: Ask) -> None:
        ask("INSERT INTO trace_traceevent (trace_id, at, kind, data) VALUES (%s, 1, '', '')", ["x"])

    if is_sqlite():
        threads: list[threading.Thread] = []

        def write_here(ask: Ask) -> None:
            threads.append(threading.current_thread())
            if len(threads) == 1:
                write(ask)

        await glance(write_here)
        # Refused here, so it was tried again where all other reads run.
        assert len(threads) == 2
        assert threads[0] is threading.current_thread() is not threads[1]
    assert await glance(count) == 0


async def test_it_goes_the_usual_way_when_its_own_connection_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    await db.in_db("work", make)
    with monkeypatch.context() as patched:
        forget()
        patched.setattr("apps.runtime.glance.sqlite3.connect", broken)
        assert await glance(count) == 1


async def test_it_says_unavailable_when_both_ways_fail() -> None:
    def no_table(ask: Ask) -> None:
        ask("SELECT 1 FROM no_such_table", [])

    with pytest.raises((StorageUnavailable, ProgrammingError)):
        await glance(no_table)
    assert await glance(count) == 0


async def test_it_makes_no_connection_of_django_for_the_task_that_asks() -> None:
    """One for each client of a listener would be 5 KB each."""
    await glance(count)
    assert connections.all(initialized_only=True) == []


async def test_it_leaves_the_loop_alone_for_a_while_after_a_slow_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def is_here() -> bool:
        return (await glance(thread_and_count))[0] is threading.current_thread()

    monkeypatch.setattr(glance_module, "_SLOW", -1.0)  # every read takes long
    monkeypatch.setattr(glance_module, "_SHARE", 10**9)
    for _ in range(3):  # but not for the disk's sake
        assert await is_here() is is_sqlite()
    monkeypatch.setattr(glance_module, "_disk_reads", itertools.count(1).__next__)
    assert await is_here() is is_sqlite()
    assert not await is_here()
    rest = getattr(glance_module._here, "rests_until", time.monotonic()) - time.monotonic()
    assert rest <= glance_module._LONGEST_REST
    assert (rest > 0) is is_sqlite()


async def test_it_comes_back_to_the_loop_when_that_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(glance_module, "_SLOW", -1.0)
    monkeypatch.setattr(glance_module, "_disk_reads", itertools.count(1).__next__)
    monkeypatch.setattr(glance_module, "_LONGEST_REST", 0.0)
    for _ in range(3):
        thread, _ = await glance(thread_and_count)
        assert (thread is threading.current_thread()) is is_sqlite()


async def test_it_opens_what_the_first_client_will_need() -> None:
    await warm()
    assert hasattr(glance_module._here, "connection") is is_sqlite()
    assert await glance(count) == 0


async def test_it_starts_all_the_same_where_no_database_answers() -> None:
    with breakable() as is_gone:
        is_gone(True)
        await warm()
        is_gone(False)
    assert await glance(count) == 0
