"""How a loop that sends hears that its process is to end.

Knows nothing of Django or Celery: the shell calls `stop` from a signal handler.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_stopped = threading.Event()
_loops: dict[asyncio.AbstractEventLoop, asyncio.Event] = {}


def stop() -> None:
    """Have the loops of this process end, and let no new one begin. Safe in a signal handler."""
    _stopped.set()
    for loop, event in list(_loops.items()):
        loop.call_soon_threadsafe(event.set)


@contextmanager
def heard() -> Iterator[asyncio.Event]:
    """Within: an event of the running loop that is set once the process is to end."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    _loops[loop] = event
    if _stopped.is_set():
        event.set()
    try:
        yield event
    finally:
        del _loops[loop]


def reset() -> None:
    """Forget that the process was to end (tests)."""
    _stopped.clear()
