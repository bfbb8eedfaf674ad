"""Whom mail was taken from, counted in memory and written in batches.

Counts that a dying process takes along make somebody known a day later, nothing else.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from typing import Final

from apps.reception.services import acquaintances
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

WRITE_SECONDS: Final = 10.0
MOST_NAMES: Final = 5_000
"""Names counted between two writes; beyond them a new one is left out."""


class Acquaintances:
    """The counts of one event loop."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, str]] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def add(self, names: Iterable[str]) -> None:
        """Count a message that was taken from them."""
        day = now() // acquaintances.DAY_SECONDS
        for name in names:
            key = day, name
            if key in self._counts or len(self._counts) < MOST_NAMES:
                self._counts[key] += 1
        if self._counts:
            self._arm()

    async def close(self) -> None:
        """Write what was counted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writing is not None:
            await self._writing
        await self._flush()

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_SECONDS, self._write)

    def _write(self) -> None:
        self._timer = None
        if self._writing is not None and not self._writing.done():
            self._arm()  # the database is slow: one batch at a time
        else:
            self._writing = asyncio.ensure_future(self._flush())

    async def _flush(self) -> None:
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            await in_db("write", acquaintances.count, counts)
        except MailError as error:
            logger.warning(
                "counts of senders were lost", extra={"names": len(counts), "detail": error.detail}
            )
