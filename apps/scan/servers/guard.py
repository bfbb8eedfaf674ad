"""Whether a scanner is asked at all: one that is away is asked again after a while, with a ping,
and no message waits for it meanwhile. Each process finds out for itself.
"""

import asyncio
import logging
from typing import Final

log = logging.getLogger(__name__)

PAUSES: Final = (2.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds between pings of one that stays away."""


class Guard:
    """Watches one scanner. Belongs to one event loop."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._why = ""
        self._ask_again_at = 0.0
        self._pings = 0

    @property
    def why(self) -> str:
        """Why it is away; "" if it is not."""
        return self._why

    @property
    def wants_ping(self) -> bool:
        """Whether it was away, and may be back."""
        return bool(self._why) and asyncio.get_running_loop().time() >= self._ask_again_at

    def away(self, why: str) -> None:
        """It was found away, or still is."""
        if not self._why:
            log.warning("a scanner does not answer", extra={"scanner": self._name, "why": why})
        pause = PAUSES[min(self._pings, len(PAUSES) - 1)]
        self._pings += 1
        self._why = why or "does not answer"
        self._ask_again_at = asyncio.get_running_loop().time() + pause

    def back(self) -> None:
        """It answers."""
        if self._why:
            log.warning("a scanner answers again", extra={"scanner": self._name})
        self._why = ""
        self._pings = 0
