"""Pages of a FETCH are read ahead, and what was read is used only while it is true."""

import asyncio
import gc
from array import array

import pytest

from apps.imap.handlers.fetch import _Reading
from apps.imap.messages.fetchplan import Page
from apps.imap.selected.mirror import Mirror


class Reads:
    """Remembers what was asked for, and lets each be read when the test says so."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.ended = 0
        self.may = asyncio.Event()

    async def __call__(self, uids: list[int]) -> Page:
        self.asked.append(uids)
        try:
            await self.may.wait()
        finally:
            self.ended += 1
        return Page([(uid,) for uid in uids], [], len(uids))


def mirror() -> Mirror:
    made = Mirror(1)
    made.uids = array("Q", [1, 2, 3])
    return made


async def test_it_gives_what_was_begun() -> None:
    reads = Reads()
    reading = _Reading(reads, mirror())
    reading.begin([1, 2])
    await asyncio.sleep(0)
    assert reads.asked == [[1, 2]]
    reads.may.set()
    assert (await reading.page([1, 2])).rows == [(1,), (2,)]
    assert (await reading.page([3])).rows == [(3,)]
    assert reads.asked == [[1, 2], [3]]


async def test_it_reads_again_once_messages_were_expunged() -> None:
    reads, known = Reads(), mirror()
    reads.may.set()
    reading = _Reading(reads, known)
    reading.begin([1, 2])
    known.apply([], [2], 7)
    await reading.page([1, 2])
    assert reads.asked == [[1, 2], [1, 2]]


async def test_it_does_not_read_again_for_new_messages() -> None:
    reads, known = Reads(), mirror()
    reads.may.set()
    reading = _Reading(reads, known)
    reading.begin([1, 2])
    known.apply([(4, 0, 0, 7)], [], 7)
    await reading.page([1, 2])
    assert reads.asked == [[1, 2]]


async def test_it_tells_a_failure_where_the_page_was_wanted() -> None:
    async def fail(_: list[int]) -> Page:
        raise ZeroDivisionError

    reading = _Reading(fail, mirror())
    reading.begin([1])
    await asyncio.sleep(0)
    with pytest.raises(ZeroDivisionError):
        await reading.page([1])


async def test_it_gives_up_what_nobody_will_take() -> None:
    reads = Reads()
    reading = _Reading(reads, mirror())
    reading.begin([1])
    await asyncio.sleep(0)
    reading.end()
    await asyncio.sleep(0)
    assert reads.ended == 1


async def test_it_says_nothing_of_a_failure_that_nobody_waits_for() -> None:
    async def fail(_: list[int]) -> Page:
        raise ZeroDivisionError

    said: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: said.append(about))
    reading = _Reading(fail, mirror())
    reading.begin([1])
    await asyncio.sleep(0)
    reading.end()
    gc.collect()
    assert said == []
