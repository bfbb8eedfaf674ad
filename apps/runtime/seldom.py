"""Log lines that can be caused at will: one of a kind in a while, and the others counted; or one
for each thing that there is to tell of."""

import logging
import time
from collections.abc import Mapping
from typing import Final

SECONDS: Final = 10.0
KINDS: Final = 256
"""Kinds remembered; beyond them all are forgotten, and written anew."""
THINGS: Final = 10_000
"""The same of things told of once."""


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


class Once:
    """Writes to one logger what one line for each thing tells, however often it is met; the process
    begins anew when it has told of `most`."""

    def __init__(self, logger: logging.Logger, most: int = THINGS) -> None:
        self._logger = logger
        self._most = most
        self._told: set[object] = set()

    def warning(self, event: str, thing: object, extra: Mapping[str, object]) -> None:
        """Write the event, unless it was written of this thing before."""
        self._write(logging.WARNING, event, thing, extra)

    def error(self, event: str, thing: object, extra: Mapping[str, object]) -> None:
        """The same for what must not be overlooked."""
        self._write(logging.ERROR, event, thing, extra)

    def _write(self, level: int, event: str, thing: object, extra: Mapping[str, object]) -> None:
        if thing in self._told:
            return
        if len(self._told) >= self._most:
            self._told.clear()
        self._told.add(thing)
        self._logger.log(level, event, extra=extra)
