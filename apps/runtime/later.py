"""Work that is done a while after it was asked for, once for all who asked meanwhile: what was
counted or noted in memory is written in batches that way, and nobody waits for it.

One instance serves one event loop.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)


class Later:
    """Runs a job some seconds after `ask`, and never twice at a time: while the job is slow, what
    is asked for waits for its next run.

    Args:
        job: takes what has gathered, and does nothing if there is nothing. What it raises is
            logged: it must not keep those from their end who close several of them.
        seconds: from the first `ask` to the run.
    """

    def __init__(self, job: Callable[[], Awaitable[None]], seconds: float) -> None:
        self._job = job
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._running: asyncio.Future[None] | None = None

    def ask(self) -> None:
        """There is something to do."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._run)

    async def close(self) -> None:
        """Do what was asked for, now, and return when it is done."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._running is not None:
            await self._running
        await self._do()

    def _run(self) -> None:
        self._timer = None
        if self._running is not None and not self._running.done():
            self.ask()
        else:
            self._running = asyncio.ensure_future(self._do())

    async def _do(self) -> None:
        try:
            await self._job()
        except Exception:
            logger.exception("what was gathered in memory is lost")
