"""What is remembered, for how long, and how much of it."""

import pytest
import time_machine

from apps.resolver.base import Answer, DnsUnavailableError
from apps.resolver.cache import Cache, Entry


class Source:
    """Look-ups that count themselves."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.count = 0

    async def __call__(self) -> Entry:
        self.count += 1
        return self.entry


def found(text: str = "x", seconds: float = 60, octets: int = 0) -> Source:
    return Source(Entry(Answer((text,), "example.org"), seconds, octets))


async def test_it_remembers() -> None:
    cache, source = Cache(), found()
    for _ in range(3):
        assert (await cache.get(("a", "MX"), source)).records == ("x",)
    assert source.count == 1
    await cache.get(("a", "A"), source)
    assert source.count == 2


async def test_it_forgets_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    cache, source = Cache(), found(seconds=60)
    await cache.get(("a", "MX"), source)
    now += 45
    assert (await cache.get(("a", "MX"), source)).ttl == 15
    now += 15
    assert (await cache.get(("a", "MX"), source)).ttl == 60
    assert source.count == 2


async def test_it_does_not_care_for_the_clock_on_the_wall() -> None:
    cache, source = Cache(), found(seconds=60)
    with time_machine.travel("2020-01-01", tick=False):
        await cache.get(("a", "MX"), source)
    with time_machine.travel("2030-01-01", tick=False):
        await cache.get(("a", "MX"), source)
    assert source.count == 1


async def test_it_remembers_failures() -> None:
    cache = Cache()
    source = Source(Entry(DnsUnavailableError("a", "no answer"), 10))
    caught = []
    for _ in range(2):
        with pytest.raises(DnsUnavailableError, match="no answer") as error:
            await cache.get(("a", "MX"), source)
        caught.append(error.value)
    assert source.count == 1
    assert caught[0] is not caught[1]


async def test_it_drops_the_oldest_when_there_are_too_many() -> None:
    cache = Cache(entries=10)
    first = found()
    await cache.get(("0", "A"), first)
    for number in range(1, 10):
        await cache.get((str(number), "A"), found())
    await cache.get(("0", "A"), first)  # used again: it stays
    await cache.get(("new", "A"), found())
    await cache.get(("0", "A"), first)
    assert first.count == 1
    assert len(cache) == 10
    again = found()
    await cache.get(("1", "A"), again)
    assert again.count == 1


async def test_it_is_bounded_in_octets_too() -> None:
    cache = Cache(octets=1_000_000)
    for number in range(100):
        await cache.get((str(number), "TXT"), found(octets=60_000))
    assert len(cache) == 16
    assert cache.octets <= 1_000_000


async def test_it_asks_again_after_a_look_up_that_broke() -> None:
    cache = Cache()

    async def broken() -> Entry:
        raise RuntimeError("bug")

    with pytest.raises(RuntimeError):
        await cache.get(("a", "MX"), broken)
    assert (await cache.get(("a", "MX"), found())).records == ("x",)
