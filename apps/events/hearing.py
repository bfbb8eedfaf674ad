"""Ears for as long as a door serves: opened by its first connection, closed behind its last."""

import asyncio
from collections.abc import Callable, Collection

from apps.events import bus
from apps.events.types import Event, EventsMissed


class Hearing:
    """Events of some kinds, for one event loop.

    Args:
        kinds: which.
        heard: called with each; with `EventsMissed` too, first of all when the ears are open: what
            was published before nobody heard.
    """

    def __init__(self, kinds: Collection[type[Event]], heard: Callable[[Event], None]) -> None:
        self._kinds = kinds
        self._heard = heard
        self._subscription: bus.Subscription | None = None
        self._beginning: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Open them, unless they are. Call it on the loop."""
        if self._beginning is None:
            self._beginning = asyncio.get_running_loop().create_task(self._begin())

    async def end(self) -> None:
        """Close them."""
        if self._beginning is not None:
            await self._beginning
        if self._subscription is not None:
            self._subscription.close()

    async def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._subscription = await bus.subscribe(loop, self._kinds, self._heard)
        self._heard(EventsMissed())
