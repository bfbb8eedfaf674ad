"""Counts over many rows, which are told again for a while where they cost much: counting takes one
hundredth of the time at most, whoever looks and however often. What costs little is counted each
time, so that on a small installation every figure is of this moment."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

CHEAP: Final = 0.05  # seconds: what takes less is counted each time
KEPT: Final = 100.0  # what takes more is told again for so many times as long as it took
_MOST: Final = 1_000  # that are kept; beyond them all are counted anew

T = TypeVar("T")


class DearCounts(Generic[T]):
    """Counts of one sort, in this process. The key has to name all that the counts are of, and for
    whom."""

    def __init__(self, *, cheap: float = CHEAP, kept: float = KEPT) -> None:
        self._cheap = cheap
        self._kept_for = kept
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[float, T]] = {}

    def get(self, key: Hashable, count: Callable[[], T]) -> T:
        """What was counted last, if that is told again; else count."""
        began = time.monotonic()
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and began < kept[0]:
            return kept[1]
        found = count()
        took = time.monotonic() - began
        if took > self._cheap:
            with self._lock:
                if len(self._kept) >= _MOST:
                    self._kept.clear()
                self._kept[key] = began + took * self._kept_for, found
        return found

    def forget(self) -> None:
        """Count anew the next time (tests)."""
        with self._lock:
            self._kept.clear()
