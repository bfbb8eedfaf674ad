"""Work that waits: once for all who asked, never twice at a time, and not lost at the end."""

import asyncio

import pytest

from apps.runtime.later import Later


class Job:
    """Counts its runs, and how many there are at a time; waits until it is let go."""

    def __init__(self, *, is_slow: bool = False) -> None:
        self.runs = 0
        self.at_a_time = 0
        self.most_at_a_time = 0
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        if not is_slow:
            self.may_end.set()

    async def __call__(self) -> None:
        self.runs += 1
        self.at_a_time += 1
        self.most_at_a_time = max(self.most_at_a_time, self.at_a_time)
        self.begun.set()
        await self.may_end.wait()
        self.at_a_time -= 1


async def test_it_runs_once_for_all_who_asked() -> None:
    job = Job()
    later = Later(job, 0.01)
    for _ in range(5):
        later.ask()
    async with asyncio.timeout(30):
        await job.begun.wait()
    assert job.runs == 1
    await later.close()


async def test_it_never_runs_twice_at_a_time() -> None:
    job = Job(is_slow=True)
    later = Later(job, 0.0)
    later.ask()
    async with asyncio.timeout(30):
        await job.begun.wait()
    later.ask()
    for _ in range(5):
        await asyncio.sleep(0)
    closing = asyncio.ensure_future(later.close())
    await asyncio.sleep(0)
    assert not closing.done()
    job.may_end.set()
    async with asyncio.timeout(30):
        await closing
    assert (job.runs, job.most_at_a_time) == (2, 1)


async def test_it_does_at_the_end_what_was_asked_for() -> None:
    job = Job()
    later = Later(job, 3_600.0)
    later.ask()
    await later.close()
    assert job.runs == 1


async def test_it_logs_what_fails_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    later = Later(fail, 3_600.0)
    later.ask()
    await later.close()
    assert "what was gathered in memory is lost" in caplog.text
