"""How often something happens: counts per key within the last minute or hour.

Everything is counted in memory, without a wait and without a database: a count costs about a
microsecond. With Redis the processes of an installation tell each other once a second what they
counted, and each adds what the others saw; without it, or while it is away, each goes by its own
counts. So nothing here ever fails, and nothing waits: a burst of less than a second may be counted
by each process alone.

A window slides by weighing the one before: what was seen in it counts by the part that is still
within reach. The number of keys is bounded; the one that has been quiet for the longest makes room.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import redis.asyncio
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

KEYS: Final = 20_000  # of one window
SHARE_SECONDS: Final = 1.0  # between two exchanges with Redis
_REST: Final = 5.0  # seconds in which a Redis that failed is left alone
_TIMEOUT: Final = 1.0
_TOGETHER: Final = 2_000  # keys of one exchange

Window = tuple[str, int]
"""What is counted, and for how many seconds: ("messages", 60)."""


@dataclass(slots=True)
class _Count:
    """Of one key in the window that runs."""

    mine: int = 0
    told: int = 0  # how many of mine Redis knows of
    others: int = 0


@dataclass(slots=True)
class _Counts:
    """All keys of one kind and length, of the window that runs and of the one before."""

    name: str
    seconds: int
    number: int = -1  # of the window, since 1970: the same in all processes
    now: OrderedDict[str, _Count] = field(default_factory=OrderedDict)
    before: dict[str, int] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)

    def at(self, moment: float) -> float:
        """Be in the window of a moment; return the part of the one before that still counts."""
        number, passed = divmod(moment, self.seconds)
        if number != self.number:
            follows = number == self.number + 1
            self.before = (
                {key: one.mine + one.others for key, one in self.now.items()} if follows else {}
            )
            self.now = OrderedDict()
            self.untold = set()
            self.number = int(number)
        return 1 - passed / self.seconds

    def seen(self, key: str, moment: float) -> float:
        part = self.at(moment)
        one = self.now.get(key)
        before = self.before.get(key, 0) * part
        return before + (one.mine + one.others if one is not None else 0)

    def add(self, key: str, number: int, moment: float) -> None:
        self.at(moment)
        one = self.now.get(key)
        if one is None:
            if len(self.now) >= KEYS:
                self.untold.discard(self.now.popitem(last=False)[0])
            one = self.now[key] = _Count()
        else:
            self.now.move_to_end(key)
        one.mine += number
        self.untold.add(key)


class Rates:
    """Counters of one event loop.

    Args:
        url: of Redis; "" for none.
        prefix: of its keys, to tell installations apart.
        clock: Unix seconds.
    """

    def __init__(
        self, url: str = "", prefix: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._counts: dict[Window, _Counts] = {}
        self._prefix = prefix
        self._client: Any = None
        self._sharing: asyncio.Task[None] | None = None
        self._is_away = False
        if url:
            self._client = redis.asyncio.Redis.from_url(
                url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
            )

    def seen(self, window: Window, key: str) -> float:
        """How many were counted for a key within the window that ends now."""
        return self._of(window).seen(key, self._clock())

    def count(self, window: Window, key: str, number: int = 1) -> None:
        """Count for a key."""
        self._of(window).add(key, number, self._clock())
        if self._client is not None and self._sharing is None:
            self._sharing = asyncio.get_running_loop().create_task(self._share())

    async def close(self) -> None:
        """Stop telling others."""
        if self._sharing is not None:
            self._sharing.cancel()
            await asyncio.wait([self._sharing])
        if self._client is not None:
            await self._client.aclose()

    def _of(self, window: Window) -> _Counts:
        found = self._counts.get(window)
        if found is None:
            found = self._counts[window] = _Counts(*window)
        return found

    async def _share(self) -> None:
        """Exchange counts until there is nothing to tell."""
        try:
            await asyncio.sleep(SHARE_SECONDS)
            while any(counts.untold for counts in self._counts.values()):
                pause = SHARE_SECONDS
                try:
                    await self._exchange()
                    self._note("")
                except (RedisError, OSError) as error:
                    self._note(str(error))
                    pause = _REST
                await asyncio.sleep(pause)
        finally:
            self._sharing = None

    async def _exchange(self) -> None:
        """Tell Redis what was counted here, and hear what was counted in all."""
        for counts in tuple(self._counts.values()):  # more may come while Redis is waited for
            counts.at(self._clock())
            number = counts.number
            keys = list(counts.untold)[:_TOGETHER]
            if not keys:
                continue
            sent = {key: counts.now[key].mine - counts.now[key].told for key in keys}
            counts.untold.difference_update(keys)
            try:
                totals = await self._add(counts, sent)
            except (RedisError, OSError):
                if counts.number == number:
                    counts.untold.update(key for key in keys if key in counts.now)
                raise
            if counts.number != number:
                continue  # the window has ended meanwhile
            for key, total in zip(keys, totals, strict=True):
                if (one := counts.now.get(key)) is not None:
                    one.told += sent[key]
                    one.others = max(0, total - one.told)

    async def _add(self, counts: _Counts, sent: dict[str, int]) -> list[int]:
        async with self._client.pipeline(transaction=False) as pipeline:
            for key, number in sent.items():
                name = f"{self._prefix}{counts.name}:{counts.seconds}:{counts.number}:{key}"
                pipeline.incrby(name, number)
                pipeline.expire(name, 2 * counts.seconds)
            answers = await pipeline.execute()
        return [int(answer) for answer in answers[::2]]

    def _note(self, problem: str) -> None:
        """Log the beginning and the end of an absence, not each exchange in it."""
        if problem and not self._is_away:
            logger.warning("redis is away, this process counts alone", extra={"detail": problem})
        elif self._is_away and not problem:
            logger.info("redis is back")
        self._is_away = bool(problem)
