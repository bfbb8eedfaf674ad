"""What a hearer holds, whichever way events travel."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Protocol, Self

from apps.events.types import Event, EventsMissed, merge

logger = logging.getLogger(__name__)

# Different keys that may wait for one slow reader; past it, it is told to re-read everything.
MOST_PENDING = 10_000


class Inbox(Protocol):
    """A synchronous hearer (the worker). A context manager: leaving it stops hearing."""

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; true as soon as something was heard."""

    def read(self, timeout: float) -> list[Event]:
        """The same, returning the events, merged by key."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Subscription:
    """An asynchronous hearer: calls back on the loop, or is iterated with `async for`.

    Events that wait to be iterated are merged by key, so a slow reader holds one per mailbox.
    """

    def __init__(self, callback: Callable[[Event], None] | None) -> None:
        self._callback = callback
        self._pending: dict[tuple[str, int], Event] = {}
        self._some = asyncio.Event()
        self._closed = False
        self._on_close: Callable[[], None] | None = None

    def feed(self, events: Iterable[Event]) -> None:
        """Called by the backend, on the loop's thread."""
        if self._callback is None:
            add(self._pending, events)
            self._some.set()
            return
        for event in events:
            try:
                self._callback(event)
            except Exception:
                logger.exception("a hearer of events failed")

    def closes_with(self, close: Callable[[], None]) -> None:
        """What `close` has to do for the backend."""
        self._on_close = close

    def close(self) -> None:
        """Stop hearing; an iteration that waits ends. May be called again."""
        if not self._closed:
            self._closed = True
            if self._on_close is not None:
                self._on_close()
            self._some.set()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            await self._some.wait()
            self._some.clear()
            while self._pending:
                key = next(iter(self._pending))
                yield self._pending.pop(key)
            if self._closed:
                return


def add(pending: dict[tuple[str, int], Event], events: Iterable[Event]) -> None:
    """Merge `events` into a bounded set; past the bound, one EventsMissed takes its place."""
    merge(pending, events)
    if len(pending) > MOST_PENDING:
        pending.clear()
        merge(pending, [EventsMissed()])
