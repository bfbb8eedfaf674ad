"""Log lines that strangers can cause at will: one of a kind in a while, and the others counted."""

import logging
import time
from collections.abc import Mapping
from typing import Final

SECONDS: Final = 10.0
KINDS: Final = 256
"""Kinds remembered; beyond them all are forgotten, and written anew."""


class Seldom:
    """Writes to one logger."""

    def __init__(self, logger: logging.Logger, seconds: float = SECONDS) -> None:
        self._logger = logger
        self._seconds = seconds
        self._silent: dict[tuple[str, str], tuple[float, int]] = {}  # until when, and how many

    def info(self, event: str, kind: str, extra: Mapping[str, object]) -> None:
        """Write the event, unless one of its kind was written within the last `seconds`.

        Args:
            kind: from a small set, never a stranger's words: the name of a door.
            extra: as for `Logger.info`; `unwritten` is added when lines were left out before.
        """
        self._write(logging.INFO, event, kind, extra)

    def warning(self, event: str, kind: str, extra: Mapping[str, object]) -> None:
        """The same for what an administrator should look at."""
        self._write(logging.WARNING, event, kind, extra)

    def _write(self, level: int, event: str, kind: str, extra: Mapping[str, object]) -> None:
        now = time.monotonic()
        until, unwritten = self._silent.get((event, kind), (0.0, 0))
        if now < until:
            self._silent[event, kind] = until, unwritten + 1
            return
        if len(self._silent) >= KINDS:
            self._silent.clear()
        self._silent[event, kind] = now + self._seconds, 0
        more = {"unwritten": unwritten} if unwritten else {}
        self._logger.log(level, event, extra={**extra, **more})
