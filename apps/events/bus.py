"""The event bus: who changed something says so, who watches it hears it and re-reads the database.

    publish(event)            now; never waits, never raises
    publish_on_commit(event)  when the running transaction commits; never if it rolls back
    subscribe(loop, …)        hear on an event loop (listeners, web)
    listen(kinds)             hear in a plain function (the worker)

Inside one machine events are unix datagrams; with REDIS_URL they go through Redis. Either may lose
events: whoever hears also looks by itself now and then.
"""

import os
from asyncio import AbstractEventLoop
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from django.conf import settings
from django.db import connection, transaction

from apps.events.backends.inbox import Inbox, Subscription
from apps.events.backends.local import LocalBus
from apps.events.types import (
    AnnotationsChanged,
    DeliveryChanged,
    Event,
    HeavyRang,
    HooksGathered,
    LooksChanged,
    MailboxChanged,
    MailboxesChanged,
    MessageJudged,
    OutgoingRang,
    QueueRang,
    UserChanged,
    merge,
)

__all__ = ["Inbox", "Subscription", "listen", "publish", "publish_on_commit", "subscribe"]

ALL: frozenset[type[Event]] = frozenset(
    {
        MailboxChanged,
        MailboxesChanged,
        AnnotationsChanged,
        UserChanged,
        QueueRang,
        HeavyRang,
        MessageJudged,
        OutgoingRang,
        DeliveryChanged,
        LooksChanged,
        HooksGathered,
    }
)


class _Bus(Protocol):
    def send(self, events: Sequence[Event]) -> object: ...

    def send_now(self, events: Sequence[Event]) -> int: ...

    async def count(self, kind: type[Event]) -> int | None: ...

    def listen(self, kinds: Collection[type[Event]]) -> Inbox: ...

    async def subscribe(
        self,
        loop: AbstractEventLoop,
        kinds: Collection[type[Event]],
        callback: Callable[[Event], None] | None,
    ) -> Subscription: ...

    def close(self) -> None: ...


_made: dict[str, _Bus] = {}


def publish(*events: Event) -> None:
    """Tell whoever wants to know. Never waits and never raises."""
    _bus().send(events)


def publish_on_commit(event: Event) -> None:
    """`publish` after the running transaction has committed, or at once outside of one.

    All events of one transaction are sent together, those of one mailbox merged to the newest.
    """
    queue = connection.run_on_commit
    if queue:
        points, function = queue[-1][0], queue[-1][1]
        if isinstance(function, _Flush) and points == set(connection.savepoint_ids):
            function.add(event)
            return
    flush = _Flush()
    flush.add(event)
    # robust: a hint that cannot be sent must not fail work that has committed.
    transaction.on_commit(flush, robust=True)


class _Flush:
    """The events of one transaction (or of one savepoint in it, which may yet be undone alone)."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, int], Event] = {}

    def add(self, event: Event) -> None:
        merge(self._events, (event,))

    def __call__(self) -> None:
        publish(*self._events.values())


async def subscribe(
    loop: AbstractEventLoop,
    kinds: Collection[type[Event]] = ALL,
    callback: Callable[[Event], None] | None = None,
) -> Subscription:
    """Hear events of `kinds` on `loop`: by `callback`, or with `async for event in subscription`.

    `EventsMissed` comes whatever the kinds: it says that some may have been lost. The caller
    ends it with `close()`.
    """
    return await _bus().subscribe(loop, kinds, callback)


def listen(kinds: Collection[type[Event]]) -> Inbox:
    """Hear events of `kinds` in a plain function: `with listen({QueueRang}) as inbox:
    inbox.wait(1)`.

    Whoever leaves the context looks once more for work afterwards: an event that came just before
    was counted as heard.
    """
    return _bus().listen(kinds)


def send_now(event: Event) -> int:
    """Send and return how many heard; may wait for Redis. For the bell's own thread."""
    return _bus().send_now((event,))


async def count(kind: type[Event]) -> int | None:
    """How many hear events of `kind` now; None if Redis does not say. Each is a living process, if
    perhaps a stopped one."""
    return await _bus().count(kind)


def reset() -> None:
    """Close what this process holds open; the next call opens it again (tests, shutdown)."""
    while _made:
        _made.popitem()[1].close()


def _bus() -> _Bus:
    bus = _made.get("bus")
    if bus is None:
        bus = _made.setdefault("bus", _make())
    return bus


def _make() -> _Bus:
    if not settings.REDIS_URL:
        return LocalBus(settings.MAILHOST_DATA / "run" / "events")
    # Only here: importing redis costs 37 MB, which an installation without it should not pay.
    from apps.events.backends.redis import RedisBus

    return RedisBus(settings.REDIS_URL)


# A lock that another thread held at the fork would stay locked for ever in the child.
os.register_at_fork(after_in_child=_made.clear)
