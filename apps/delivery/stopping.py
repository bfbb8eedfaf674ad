"""How a loop in a worker's pool hears that the worker is to end: its own processes get no signal.

Knows nothing of Django or Celery: the shell calls `share` before the pool is forked, and `stop`
from a signal handler.
"""

import mmap

_flag: mmap.mmap | None = None


def share() -> None:
    """Have this process and those it forks from now on hear of the same stop."""
    global _flag
    _flag = mmap.mmap(-1, 1)


def stop() -> None:
    """Have the loops of this worker end. Safe in a signal handler."""
    if _flag is not None:
        _flag[0] = 1


def is_stopped() -> bool:
    """Whether a loop is to end."""
    return _flag is not None and _flag[0] == 1
