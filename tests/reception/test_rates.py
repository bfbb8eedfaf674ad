"""Counting within the last minute or hour; with Redis, together with other processes."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from apps.reception import rates
from apps.reception.rates import Rates
from tests.support.services import free_port

MINUTE = ("messages", 60)
DAY = ("messages", 86_400)


class Clock:
    """Unix seconds, set by the test. Starts with a window."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0 // 3_600 * 3_600

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_counts_by_key_and_by_kind(clock: Clock) -> None:
    some = Rates(clock=clock)
    for _ in range(3):
        some.count(MINUTE, "a")
    some.count(MINUTE, "b", 5)
    assert some.seen(MINUTE, "a") == 3
    assert some.seen(MINUTE, "b") == 5
    assert some.seen(MINUTE, "c") == 0
    assert some.seen(("connections", 60), "a") == 0
    assert some.seen(("messages", 3_600), "a") == 0


def test_it_forgets_slowly(clock: Clock) -> None:
    some = Rates(clock=clock)
    some.count(MINUTE, "a", 60)
    clock.now += 59
    assert some.seen(MINUTE, "a") == 60
    clock.now += 1
    assert some.seen(MINUTE, "a") == 60
    clock.now += 30
    assert some.seen(MINUTE, "a") == 30
    some.count(MINUTE, "a", 10)
    assert some.seen(MINUTE, "a") == 40
    clock.now += 30
    assert some.seen(MINUTE, "a") == 10
    clock.now += 120
    assert some.seen(MINUTE, "a") == 0


def test_it_survives_a_clock_that_is_set(clock: Clock) -> None:
    some = Rates(clock=clock)
    some.count(MINUTE, "a", 60)
    clock.now -= 86_400
    assert some.seen(MINUTE, "a") == 0
    some.count(MINUTE, "a", 7)
    assert some.seen(MINUTE, "a") == 7
    clock.now += 10 * 86_400
    assert some.seen(MINUTE, "a") == 0


def test_it_keeps_the_busy_ones_when_there_are_too_many(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "KEYS", 100)
    some = Rates(clock=clock)
    for number in range(10_000):
        some.count(MINUTE, f"once-{number}")
        if number % 50 == 0:
            some.count(MINUTE, "busy")
    assert some.seen(MINUTE, "busy") == 200
    assert some.seen(MINUTE, "once-0") == 0
    assert len(some._of(MINUTE).now) == 100


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 3)), max_size=60))
def test_it_never_counts_less_than_the_window_that_runs_nor_more_than_two(
    steps: list[tuple[int, int]],
) -> None:
    clock = Clock()
    some = Rates(clock=clock)
    told: list[tuple[float, int]] = []
    for pause, number in steps:
        clock.now += pause
        some.count(MINUTE, "a", number)
        told.append((clock.now, number))
        start = clock.now // 60 * 60
        least = sum(count for at, count in told if at >= start)
        most = sum(count for at, count in told if at >= start - 60)
        assert least <= some.seen(MINUTE, "a") <= most


@pytest.fixture
async def together(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Rates]]:
    """Two processes with Redis, where there is one; else one process alone, twice."""
    monkeypatch.setattr(rates, "SHARE_SECONDS", 0.01)
    two = [Rates(settings.REDIS_URL, "mailhost:test:rate:", clock) for _ in range(2)]
    if not settings.REDIS_URL:
        two[1] = two[0]
    yield two
    for one in two:
        await one.close()


async def test_it_adds_what_other_processes_counted(together: list[Rates]) -> None:
    first, second = together
    first.count(DAY, "a", 10)
    second.count(DAY, "a", 1)
    async with asyncio.timeout(10):
        while not first.seen(DAY, "a") == second.seen(DAY, "a") == 11:
            for one in together:
                one.count(DAY, "a", 0)  # whoever counts hears of the others
            await asyncio.sleep(0.01)
    first.count(DAY, "b")
    assert first.seen(DAY, "b") == 1


async def test_it_counts_alone_while_redis_is_away(
    clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "SHARE_SECONDS", 0.01)
    monkeypatch.setattr(rates, "_REST", 0.01)
    caplog.set_level(logging.WARNING, "apps.reception")
    some = Rates(f"redis://127.0.0.1:{free_port()}/0", "x:", clock)
    loop = asyncio.get_running_loop()
    took = []
    for _ in range(4):
        start = loop.time()
        for _ in range(250):
            some.count(MINUTE, "a")
        took.append(loop.time() - start)
    assert some.seen(MINUTE, "a") == 1_000
    assert min(took) < 0.5  # nobody waited
    async with asyncio.timeout(10):
        while not caplog.records:
            some.count(MINUTE, "a", 0)
            await asyncio.sleep(0.01)
    assert some.seen(MINUTE, "a") == 1_000
    await some.close()
    assert [one.message for one in caplog.records] == ["redis is away, this process counts alone"]


async def test_it_waits_for_no_redis_that_is_silent(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "SHARE_SECONDS", 0.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        some = Rates(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", "x:", clock)
        loop = asyncio.get_running_loop()
        took = []
        for _ in range(50):
            start = loop.time()
            some.count(MINUTE, "a")
            await asyncio.sleep(0)
            took.append(loop.time() - start)
        assert sorted(took)[-3] < 0.5  # a machine may stand still once or twice
        await some.close()


async def test_it_tells_others_whatever_is_counted_for_the_first_time_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rates, "SHARE_SECONDS", 0.0)
    some = Rates(f"redis://127.0.0.1:{free_port()}/0", "x:")
    told: list[dict[str, int]] = []
    is_told = asyncio.Event()

    async def add(_counts: object, sent: dict[str, int]) -> list[int]:
        told.append(sent)
        if len(told) == 1:
            some.count(("unknown", 3_600), "b")
        else:
            is_told.set()
        return list(sent.values())

    monkeypatch.setattr(some, "_add", add)
    some.count(MINUTE, "a")
    async with asyncio.timeout(10):
        await is_told.wait()
    await some.close()
    assert told == [{"a": 1}, {"b": 1}]
