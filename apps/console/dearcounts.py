"""Counts over many rows, for which no page waits.

What is counted within `PATIENCE` is of this moment: on a small installation that is all. What takes
longer goes on being counted behind the page, which meanwhile tells what was counted last, or that
it is being counted; and it is told again for so long that counting takes one hundredth of the time
at most, whoever looks and however often. Nobody counts what somebody else is just counting.
"""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from apps.runtime.db import behind
from apps.wire.errors import Overloaded

PATIENCE: Final = 0.2  # seconds that a page waits
CHEAP: Final = 0.05  # seconds: what takes less is counted each time
KEPT: Final = 100.0  # what takes more is told again for so many times as long as it took
_MOST: Final = 1_000  # that are kept; beyond them all are counted anew

T = TypeVar("T")


@dataclass(slots=True)
class _Work(Generic[T]):
    """A count that is under way."""

    done: threading.Event = field(default_factory=threading.Event)
    found: list[T] = field(default_factory=list)  # nothing, if it failed


class DearCounts(Generic[T]):
    """Counts of one sort, in this process. The key has to name all that the counts are of, and for
    whom."""

    def __init__(
        self, *, cheap: float = CHEAP, kept: float = KEPT, patience: float = PATIENCE
    ) -> None:
        self._cheap = cheap
        self._kept_for = kept
        self._patience = patience
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[float, T]] = {}
        self._under_way: dict[Hashable, _Work[T]] = {}

    def get(self, key: Hashable, count: Callable[[], T]) -> T | None:
        """What is so now, or was a while ago; None while it is counted for the first time.

        Args:
            count: is called on another thread, unless the caller is within a transaction.
        """
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and time.monotonic() < kept[0]:
                return kept[1]
            work = self._under_way.get(key)
            is_mine = work is None
            if work is None:
                work = self._under_way[key] = _Work()
        if is_mine:
            try:
                behind("read", self._count, key, count, work)
            except Overloaded:
                self._end(key, work)
        if work.done.wait(self._patience) and work.found:
            return work.found[0]
        return None if kept is None else kept[1]

    def _count(self, key: Hashable, count: Callable[[], T], work: _Work[T]) -> None:
        began = time.monotonic()
        try:
            work.found.append(count())
            took = time.monotonic() - began
            with self._lock:
                self._kept.pop(key, None)
                if took > self._cheap:
                    if len(self._kept) >= _MOST:
                        self._kept.clear()
                    self._kept[key] = time.monotonic() + took * self._kept_for, work.found[0]
        finally:
            self._end(key, work)

    def _end(self, key: Hashable, work: _Work[T]) -> None:
        with self._lock:
            self._under_way.pop(key, None)
        work.done.set()

    def forget(self) -> None:
        """Count anew the next time (tests)."""
        with self._lock:
            self._kept.clear()
