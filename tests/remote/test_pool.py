"""What is kept for the next message, and for how long."""

import asyncio
from dataclasses import dataclass

from apps.remote.pool import MOST, Pool
from apps.remote.types import NextHop
from tests.remote.ground import mx


@dataclass(eq=False)
class Kept:
    hop: NextHop
    is_usable: bool = True


def anything(_kept: Kept) -> bool:
    return True


async def test_it_gives_what_was_kept_last() -> None:
    ended: list[Kept] = []
    pool: Pool[Kept] = Pool(ended.append)
    first, second = Kept(mx()), Kept(mx())
    pool.put(first)
    pool.put(second)
    assert pool.take(mx("example.net"), anything) is None
    assert pool.take(mx(), anything) is second
    assert pool.take(mx(), anything) is first
    assert pool.take(mx(), anything) is None
    assert ended == []


async def test_it_passes_over_what_does_not_fit() -> None:
    pool: Pool[Kept] = Pool(lambda _: None)
    first, second = Kept(mx()), Kept(mx())
    pool.put(first)
    pool.put(second)
    assert pool.take(mx(), lambda kept: kept is first) is first
    assert len(pool) == 1


async def test_it_ends_what_is_not_usable_any_more() -> None:
    ended: list[Kept] = []
    pool: Pool[Kept] = Pool(ended.append)
    kept = Kept(mx())
    pool.put(kept)
    kept.is_usable = False
    assert pool.take(mx(), anything) is None
    assert ended == [kept]


async def test_it_ends_what_is_kept_too_long() -> None:
    ended = asyncio.Event()
    pool: Pool[Kept] = Pool(lambda _: ended.set(), seconds=0.01)
    pool.put(Kept(mx()))
    async with asyncio.timeout(30):
        await ended.wait()
    assert len(pool) == 0


async def test_it_keeps_a_bounded_number() -> None:
    ended: list[Kept] = []
    pool: Pool[Kept] = Pool(ended.append)
    many = [Kept(mx()) for _ in range(MOST + 5)]
    for kept in many:
        pool.put(kept)
    assert (len(pool), ended) == (MOST, many[:5])
    pool.clear()
    assert (len(pool), len(ended)) == (0, MOST + 5)


async def test_it_does_not_give_a_lane_to_a_hop_that_has_changed() -> None:
    """The same transport with another password."""
    pool: Pool[Kept] = Pool(lambda _: None)
    old = NextHop("transport/1", "smtp", "a.example", 25, password="old")
    pool.put(Kept(old))
    new = NextHop("transport/1", "smtp", "a.example", 25, password="new")
    assert pool.take(new, anything) is None
