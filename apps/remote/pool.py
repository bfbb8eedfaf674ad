"""Connections that are kept for the next message to the same hop, for a few seconds.

The next message of a queue comes at once or not at all; servers count connections that do nothing,
so none is kept long, and no more than MOST in all.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from apps.remote.types import NextHop

IDLE_SECONDS: Final = 5.0
MOST: Final = 100


class Keepable(Protocol):
    """What a pool keeps."""

    hop: NextHop

    @property
    def is_usable(self) -> bool: ...


K = TypeVar("K", bound=Keepable)


@dataclass(slots=True)
class _Kept(Generic[K]):
    lane: K
    timer: asyncio.TimerHandle


class Pool(Generic[K]):
    """Belongs to one event loop.

    Args:
        end: called with each lane that is kept no more.
    """

    def __init__(self, end: Callable[[K], None], *, seconds: float = IDLE_SECONDS) -> None:
        self._end = end
        self._seconds = seconds
        self._kept: OrderedDict[int, _Kept[K]] = OrderedDict()  # the longest kept first

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, lane: K) -> None:
        """Keep a lane."""
        timer = asyncio.get_running_loop().call_later(self._seconds, self._expire, id(lane))
        self._kept[id(lane)] = _Kept(lane, timer)
        if len(self._kept) > MOST:
            self._expire(next(iter(self._kept)))

    def take(self, hop: NextHop, fits: Callable[[K], bool]) -> K | None:
        """The lane to a hop that was kept last, if one is usable and `fits`."""
        for key, kept in reversed(list(self._kept.items())):
            if kept.lane.hop != hop:
                continue
            if not kept.lane.is_usable:
                self._expire(key)
            elif fits(kept.lane):
                del self._kept[key]
                kept.timer.cancel()
                return kept.lane
        return None

    def clear(self) -> None:
        """Keep none."""
        for key in list(self._kept):
            self._expire(key)

    def _expire(self, key: int) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            kept.timer.cancel()
            self._end(kept.lane)
