"""What a piece of work costs in processor time, whatever else this process and machine do."""

import time
from collections.abc import Callable


def cost(work: Callable[[], object], *, tries: int = 3) -> float:
    """The least processor time, in seconds, of several runs on this thread: one alone may bear the
    whole price of a garbage collection that others have earned."""
    return min(_once(work) for _ in range(tries))


def _once(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began
