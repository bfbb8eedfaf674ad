"""Asynchronous questions from code that is not."""

import asyncio
import os
import threading
import time

import pytest

from apps.runtime import aside


async def _number() -> int:
    await asyncio.sleep(0)
    return id(asyncio.get_running_loop())


def test_it_answers_again_and_again_on_one_loop() -> None:
    assert aside.run(_number(), 5) == aside.run(_number(), 5)


def test_it_answers_many_threads_at_once() -> None:
    meeting = asyncio.Barrier(4)

    async def meet() -> int:
        async with asyncio.timeout(30):
            return await meeting.wait()

    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(aside.run(meet(), 30))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == [0, 1, 2, 3]


def test_it_raises_what_the_question_raises() -> None:
    async def fail() -> None:
        raise LookupError("not there")

    with pytest.raises(LookupError, match="not there"):
        aside.run(fail(), 5)


def test_it_waits_no_longer_than_it_was_told_and_lets_the_question_clean_up() -> None:
    cleaned = threading.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        aside.run(wait(), 0.05)
    assert time.monotonic() - began < 10
    assert cleaned.is_set()


def test_it_has_a_loop_of_its_own_after_a_fork() -> None:
    before = aside.run(_number(), 5)
    child = os.fork()
    if child == 0:  # nothing of pytest's may run here
        status = 1
        try:
            aside.run(_number(), 5)
            status = 0
        finally:
            os._exit(status)
    deadline = time.monotonic() + 10
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert os.waitstatus_to_exitcode(ended[1]) == 0
    assert ended[0] == child
    assert aside.run(_number(), 5) == before


def test_it_leaves_a_loop_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "_GRACE", 0.05)
    released = threading.Event()

    async def compute() -> None:
        released.wait(10)

    try:
        with pytest.raises(TimeoutError):
            aside.run(compute(), 0.05)
    finally:
        released.set()
    assert aside.run(_number(), 5)
