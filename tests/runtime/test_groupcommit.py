"""Group commit: one job for many callers, and a bad item harms nobody else."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from apps.runtime import db, groupcommit
from apps.runtime.groupcommit import GroupCommit
from apps.wire.errors import MailError, Overloaded, QuotaExceeded, StorageUnavailable


@pytest.fixture(autouse=True)
def _threads_end() -> Iterator[None]:
    yield
    db.shutdown()


class Book:
    """A batch function that notes its batches; "bad" raises, "full" is refused alone."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go = threading.Event()
        self.go.set()
        self.begun = threading.Event()

    def write(self, items: list[str]) -> list[str | MailError]:
        self.begun.set()
        assert self.go.wait(10)
        self.batches.append(items)
        if "away" in items:
            raise StorageUnavailable("gone")
        if "bad" in items:
            raise ValueError("secret detail")
        return [QuotaExceeded() if item == "full" else item.upper() for item in items]


async def test_it_returns_each_caller_its_own_result() -> None:
    book = Book()
    group: GroupCommit[str, str] = GroupCommit(book.write)
    assert await asyncio.gather(*map(group.submit, "abc")) == ["A", "B", "C"]
    assert book.batches == [["a", "b", "c"]]


async def test_it_gathers_while_a_batch_is_being_written() -> None:
    book = Book()
    group: GroupCommit[str, str] = GroupCommit(book.write)
    book.go.clear()
    first = asyncio.create_task(group.submit("first"))
    await _until(book.begun.is_set)
    rest = [asyncio.create_task(group.submit(str(n))) for n in range(5)]
    await _until(lambda: group.waiting == 5)
    book.go.set()
    await asyncio.gather(first, *rest)
    assert book.batches == [["first"], ["0", "1", "2", "3", "4"]]


async def test_it_bounds_a_batch_in_items_and_octets() -> None:
    book = Book()
    group: GroupCommit[str, str] = GroupCommit(book.write, max_items=3, max_bytes=100)
    await asyncio.gather(*(group.submit(item, 60 if item in "cd" else 1) for item in "abcdefgh"))
    assert book.batches == [["a", "b", "c"], ["d", "e", "f"], ["g", "h"]]


async def test_it_writes_an_item_that_is_larger_than_a_batch_alone() -> None:
    book = Book()
    group: GroupCommit[str, str] = GroupCommit(book.write, max_bytes=100)
    await asyncio.gather(group.submit("a", 1), group.submit("b", 500), group.submit("c", 1))
    assert book.batches == [["a"], ["b"], ["c"]]


async def test_it_answers_an_item_with_its_own_error() -> None:
    book = Book()
    group: GroupCommit[str, str] = GroupCommit(book.write)
    results = await asyncio.gather(*map(group.submit, ["a", "full"]), return_exceptions=True)
    assert results[0] == "A"
    assert isinstance(results[1], QuotaExceeded)
    assert len(book.batches) == 1


async def test_it_tries_one_by_one_when_a_batch_fails(caplog: pytest.LogCaptureFixture) -> None:
    book = Book()
    group: GroupCommit[str, str] = GroupCommit(book.write)
    results = await asyncio.gather(*map(group.submit, ["a", "bad", "c"]), return_exceptions=True)
    assert (results[0], results[2]) == ("A", "C")
    assert isinstance(results[1], MailError)
    assert "secret" not in results[1].reply.text
    assert book.batches == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]
    assert "a batch failed" in caplog.text


async def test_it_stops_trying_when_the_database_is_away() -> None:
    book = Book()
    group: GroupCommit[str, str] = GroupCommit(lambda items: book.write([*items, "away"]))
    results = await asyncio.gather(*map(group.submit, "abcdefgh"), return_exceptions=True)
    assert all(isinstance(result, StorageUnavailable) for result in results)
    assert len(book.batches) == 3  # all, then two alone


async def test_it_goes_on_after_a_failure() -> None:
    book = Book()
    group: GroupCommit[str, str] = GroupCommit(book.write)
    with pytest.raises(MailError):
        await group.submit("bad")
    assert await group.submit("good") == "GOOD"


async def test_it_finishes_what_a_client_that_dropped_had_begun() -> None:
    book = Book()
    group: GroupCommit[str, str] = GroupCommit(book.write)
    book.go.clear()
    dropped = asyncio.create_task(group.submit("dropped"))
    await _until(book.begun.is_set)
    dropped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dropped
    other = asyncio.create_task(group.submit("other"))
    book.go.set()
    assert await other == "OTHER"
    assert book.batches == [["dropped"], ["other"]]


async def test_it_drains() -> None:
    book = Book()
    group: GroupCommit[str, str] = GroupCommit(book.write)
    await group.drain()
    book.go.clear()
    tasks = [asyncio.create_task(group.submit(str(n))) for n in range(3)]
    await _until(book.begun.is_set)
    draining = asyncio.create_task(group.drain())
    book.go.set()
    await draining
    assert len(book.batches) == 1
    assert await asyncio.gather(*tasks) == ["0", "1", "2"]


async def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groupcommit, "WAITING_ITEMS", 2)
    book = Book()
    group: GroupCommit[str, str] = GroupCommit(book.write)
    tasks = [asyncio.create_task(group.submit(item)) for item in "abc"]
    done, _ = await asyncio.wait(tasks)
    failed = [task for task in done if task.exception() is not None]
    assert len(failed) == 1
    assert isinstance(failed[0].exception(), Overloaded)


async def test_it_is_bounded_in_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groupcommit, "WAITING_BYTES", 10)
    group: GroupCommit[str, str] = GroupCommit(Book().write)
    with pytest.raises(Overloaded):
        await group.submit("a", 11)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a thread makes it true
            await asyncio.sleep(0)
