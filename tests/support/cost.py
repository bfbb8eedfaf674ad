"""What a piece of work costs in processor time, whatever else this process and machine do."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

_STEPS: Final = 100_000
_QUICK: Final = 0.0099
"""Seconds that `_pace` took on the machine on which the bounds of the tests were written."""


def cost(work: Callable[[], object], *, tries: int = 3, enough: float = 0.0) -> float:
    """The least processor time, in seconds, of several runs on this thread. Nothing is collected
    meanwhile: a run would bear the price of garbage that other tests have left.

    A machine that is slower, or just now has less of its processor, takes longer for everything: of
    what it takes longer by nothing is said of the work. A quicker one is taken as it is.

    Args:
        enough: seconds; what is done in less is not tried again.
    """
    least = _once(work)
    for _ in range(tries - 1):
        if least < enough:
            break
        least = min(least, _once(work))
    return least


@dataclass
class Spent:
    """Processor time, in seconds, once it is over."""

    seconds: float = 0.0


@contextmanager
def spent(clock: Callable[[], float] = time.process_time) -> Iterator[Spent]:
    """What runs within, once, reckoned as `cost` does: for what waits, or works on other threads.

    Args:
        clock: `time.thread_time` for what this thread alone does.
    """
    told = Spent()
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        pace = _pace()
        began = clock()
        yield told
        took = clock() - began
    finally:
        if is_collecting:
            gc.enable()
    told.seconds = took * min(1.0, _QUICK / max(pace, _pace()))


def _once(work: Callable[[], object]) -> float:
    with spent(time.thread_time) as told:
        work()
    return told.seconds


def _pace() -> float:
    """How long this machine takes for plain counting."""
    began = time.thread_time()
    total = 0
    for number in range(_STEPS):
        total += number
    return time.thread_time() - began
