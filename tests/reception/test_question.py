"""Answers that are here, on their way, late, or lost."""

import asyncio
import logging

import pytest

from apps.reception.question import Question


async def late(event: asyncio.Event) -> str:
    await event.wait()
    return "here"


async def broken() -> str:
    raise RuntimeError("a mistake of ours")


def soon(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_it_gives_what_stands_in_until_the_answer_is_here() -> None:
    event = asyncio.Event()
    question = Question("nobody knows")
    assert question.value == "nobody knows"
    question.ask(late(event))
    assert await question.wait(soon(0.02)) == "nobody knows"
    event.set()
    assert await question.wait(soon(20)) == "here"
    assert question.value == "here"


async def test_it_does_not_wait_when_the_time_has_passed() -> None:
    question = Question("nobody knows")
    question.ask(late(asyncio.Event()))
    async with asyncio.timeout(8):
        assert await question.wait(soon(-10)) == "nobody knows"
    question.stop()


async def test_it_forgets_what_was_asked_before() -> None:
    event = asyncio.Event()
    question = Question("nobody knows")
    question.ask(late(event))
    question.answer("known")
    event.set()
    assert await question.wait(soon(20)) == "known"


async def test_it_lets_several_wait_and_cancels_the_question_for_none() -> None:
    event = asyncio.Event()
    question = Question("nobody knows")
    question.ask(late(event))
    first = asyncio.ensure_future(question.wait(soon(20)))
    second = asyncio.ensure_future(question.wait(soon(20)))
    await asyncio.sleep(0)
    first.cancel()
    event.set()
    assert await second == "here"


async def test_it_wakes_who_waits_when_it_is_stopped() -> None:
    question = Question("nobody knows")
    question.ask(late(asyncio.Event()))
    waiting = asyncio.ensure_future(question.wait(soon(60)))
    await asyncio.sleep(0)
    question.stop()
    async with asyncio.timeout(8):
        assert await waiting == "nobody knows"


async def test_it_survives_a_mistake_and_tells_the_log(caplog: pytest.LogCaptureFixture) -> None:
    question = Question("nobody knows")
    question.ask(broken())
    assert await question.wait(soon(20)) == "nobody knows"
    assert question.value == "nobody knows"
    (line,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert line.exc_info is not None


async def test_it_keeps_an_answer_that_is_here_when_it_is_stopped() -> None:
    event = asyncio.Event()
    event.set()
    question = Question("nobody knows")
    question.ask(late(event))
    await question.wait(soon(20))
    question.stop()
    assert question.value == "here"
