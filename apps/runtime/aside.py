"""An event loop aside: asynchronous questions, asked from code that is not.

One loop per process, in a thread of its own, made at the first question and made anew after a fork:
a thread is not inherited, and a loop that two processes share serves neither. What lives on the
loop (sessions, caches, sockets) may stay there from one question to the next.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, Final, TypeVar

import uvloop

T = TypeVar("T")

_GRACE: Final = 1.0  # seconds for a question that is cancelled to come to its end


class _Home:
    """Where the loop of this process lives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = uvloop.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="aside", daemon=True).start()
            return self._loop


_home = _Home()


def _forget() -> None:
    # Another thread may have held the lock when this process was forked: a new one, too.
    global _home
    _home = _Home()


os.register_at_fork(after_in_child=_forget)


def run(question: Coroutine[Any, Any, T], seconds: float) -> T:
    """Wait for the answer, on this thread.

    Never call it on an event loop: that loop would stand still meanwhile.

    Raises:
        TimeoutError: there was none within `seconds`; the question is cancelled.
    """
    # The loop ends the question, so that it can close what it has open. If the loop itself is
    # held up, by a question that computes, whoever asks goes on all the same.
    asked = asyncio.run_coroutine_threadsafe(_within(question, seconds), _home.loop())
    try:
        return asked.result(seconds + _GRACE)
    except CancelledError:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    except TimeoutError:
        asked.cancel()
        raise


async def _within(question: Coroutine[Any, Any, T], seconds: float) -> T:
    async with asyncio.timeout(seconds):
        return await question
