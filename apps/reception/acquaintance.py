"""Whom mail was taken from, counted in memory and written in batches.

Counts that a dying process takes along make somebody known a day later, nothing else.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Final

from apps.reception.services import acquaintances
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.runtime.later import Later
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

WRITE_SECONDS: Final = 10.0
MOST_NAMES: Final = 5_000
"""Names counted between two writes; beyond them a new one is left out."""


class Acquaintances:
    """The counts of one event loop."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, str]] = Counter()
        self._writing = Later(self._flush, WRITE_SECONDS)

    def add(self, names: Iterable[str]) -> None:
        """Count a message that was taken from them."""
        day = now() // acquaintances.DAY_SECONDS
        for name in names:
            key = day, name
            if key in self._counts or len(self._counts) < MOST_NAMES:
                self._counts[key] += 1
        if self._counts:
            self._writing.ask()

    async def close(self) -> None:
        """Write what was counted."""
        await self._writing.close()

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
