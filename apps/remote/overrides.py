"""Overrides as a running loop sees them: read anew every few seconds, found by domain."""

import time
from typing import Final

from apps.remote import queries
from apps.remote.queries import Override
from apps.runtime.db import in_db

FRESH_SECONDS: Final = 5.0
"""How long a change of the administrator may take to be heard of."""


class Overrides:
    """The overrides, for one event loop."""

    def __init__(self) -> None:
        self._known: dict[str, Override] = {}
        self._until = 0.0

    async def find(self, domain: str) -> Override | None:
        """The override for a domain: its own, else that of the nearest domain above (`.org`)."""
        if time.monotonic() >= self._until:
            found = await in_db("read", queries.overrides)
            self._known = {one.domain: one for one in found}
            self._until = time.monotonic() + FRESH_SECONDS
        return nearest(self._known, domain) if self._known else None


def nearest(known: dict[str, Override], domain: str) -> Override | None:
    """The most special of the overrides that are about a domain."""
    found = known.get(domain)
    rest = domain
    while found is None and "." in rest:
        rest = rest.partition(".")[2]
        found = known.get(f".{rest}")
    return found
