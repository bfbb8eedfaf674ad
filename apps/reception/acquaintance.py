"""Whom wanted mail was taken from, counted in memory and written in batches.

The worker counts, not the door: only it knows whether a message was filed into Junk. Counts that a
dying process takes along make somebody known a day later, nothing else.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from typing import Final

from apps.reception.services import acquaintances
from apps.runtime.clock import now
from apps.runtime.db import translate_errors
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

WRITE_SECONDS: Final = 10.0
MOST_NAMES: Final = 5_000
"""Names counted between two writes; beyond them a new one is left out."""


class Acquaintances:
    """The counts of one process that works on the queue."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, str]] = Counter()
        self._due = 0.0

    def add(self, names: Iterable[str]) -> None:
        """Count a message from them that somebody wanted."""
        day = now() // acquaintances.DAY_SECONDS
        if not self._counts:
            self._due = time.monotonic() + WRITE_SECONDS
        for name in names:
            key = day, name
            if key in self._counts or len(self._counts) < MOST_NAMES:
                self._counts[key] += 1

    def write_in_time(self) -> None:
        """Write what was counted, if that has waited long enough."""
        if time.monotonic() >= self._due:
            self.write()

    def write(self) -> None:
        """Write what was counted: a statement for each day. Never raises."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            with translate_errors():
                acquaintances.count(counts)
        except MailError as error:
            logger.warning(
                "counts of senders were lost", extra={"names": len(counts), "detail": error.detail}
            )


COUNTS: Final = Acquaintances()
"""Of this process."""
