"""Events between machines: Redis publish and subscribe, one channel for each kind of event.

Redis may be away: events are then lost, never an error for who publishes and never a wait.
Publishing only puts events into a set that a thread sends. Hearers come back by themselves, and
say `EventsMissed` when they do.
"""

import asyncio
import hashlib
import hmac
import logging
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import redis
import redis.asyncio
from django.conf import settings
from django.db import connection

from apps.events.backends.inbox import Subscription, add
from apps.events.types import Event, EventsMissed, decode, encode

logger = logging.getLogger(__name__)

_TIMEOUT = 1.0  # seconds for one answer of Redis
_PAUSE = 1.0  # seconds between tries while it is away
_HEALTH_CHECK = 15  # seconds: a subscriber that hears nothing asks whether the connection lives


class RedisBus:
    """One per process; safe to use from many threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = redis.Redis.from_url(
            url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
        )
        self._lock = threading.Lock()
        self._outbox: dict[tuple[str, int], Event] = {}
        self._some = threading.Event()
        self._closing = False
        self._sender: threading.Thread | None = None
        self._away = False

    def send(self, events: Sequence[Event]) -> None:
        """Hand `events` to the sending thread."""
        with self._lock:
            add(self._outbox, events)
            if self._sender is None:
                self._sender = threading.Thread(target=self._run, name="events-redis", daemon=True)
                self._sender.start()
        self._some.set()

    def send_now(self, events: Sequence[Event]) -> int:
        """Send and return how many hearers Redis told; 0 when it is away."""
        by_channel: dict[str, list[Event]] = {}
        for event in events:
            by_channel.setdefault(_channel(type(event)), []).append(event)
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for channel, some in by_channel.items():
                    pipeline.publish(channel, encode(some))
                heard = sum(int(count) for count in pipeline.execute())
        except redis.RedisError as error:
            self._note(str(error))
            return 0
        self._note("")
        return heard

    async def count(self, kind: type[Event]) -> int | None:
        """See `bus.count`. One question to Redis, on a thread of its own."""
        return await asyncio.to_thread(self._count, _channel(kind))

    def _count(self, channel: str) -> int | None:
        try:
            ((_, number),) = self._client.pubsub_numsub(channel)
        except redis.RedisError as error:
            self._note(str(error))
            return None
        return int(number)

    def _note(self, problem: str) -> None:
        """Log the beginning and the end of an absence, not each event in it."""
        if problem and not self._away:
            logger.warning("redis is away, events are lost", extra={"detail": problem})
        elif self._away and not problem:
            logger.info("redis is back")
        self._away = bool(problem)

    def _run(self) -> None:
        while not self._closing:
            self._some.wait()
            self._some.clear()
            with self._lock:
                events, self._outbox = list(self._outbox.values()), {}
            if events:
                self.send_now(events)
                if self._away and not self._closing:
                    time.sleep(_PAUSE)

    def listen(self, kinds: Collection[type[Event]]) -> "RedisInbox":
        return RedisInbox(self._client, kinds)

    async def subscribe(
        self,
        loop: AbstractEventLoop,
        kinds: Collection[type[Event]],
        callback: Callable[[Event], None] | None,
    ) -> Subscription:
        subscription = Subscription(callback)
        ready = asyncio.Event()
        task = loop.create_task(_hear(self._url, kinds, subscription, ready))
        subscription.closes_with(lambda: _cancel(task))
        # What is published after this call returns is heard, if Redis is there at all.
        with suppress(TimeoutError):
            await asyncio.wait_for(ready.wait(), _TIMEOUT)
        return subscription

    def close(self) -> None:
        self._closing = True
        self._some.set()
        if self._sender is not None:
            self._sender.join(2 * _TIMEOUT)
        self._client.close()


class RedisInbox:
    """See `inbox.Inbox`."""

    def __init__(self, client: "redis.Redis", kinds: Collection[type[Event]]) -> None:
        self._channels = [_channel(kind) for kind in kinds]
        self._client: Any = client
        self._pubsub: Any = None

    def wait(self, timeout: float) -> bool:
        return bool(self.read(timeout))

    def read(self, timeout: float) -> list[Event]:
        deadline = time.monotonic() + timeout
        events: dict[tuple[str, int], Event] = {}
        try:
            if self._pubsub is None:
                self._subscribe()
                add(events, [EventsMissed()])
            while (left := deadline - time.monotonic()) > 0 or events:
                message = self._pubsub.get_message(timeout=0 if events else left)
                if message is None:
                    break
                if message["type"] == "message":
                    add(events, decode(message["data"]))
        except redis.RedisError:
            self._drop()
            time.sleep(min(max(0.0, deadline - time.monotonic()), _PAUSE))
        return list(events.values())

    def _subscribe(self) -> None:
        self._pubsub = self._client.pubsub()
        self._pubsub.subscribe(*self._channels)

    def _drop(self) -> None:
        if self._pubsub is not None:
            with suppress(redis.RedisError, OSError):
                self._pubsub.close()
            self._pubsub = None

    def __enter__(self) -> Self:
        with suppress(redis.RedisError):
            self._subscribe()
            # Wait for Redis's word: what is rung from here on is heard.
            for _ in self._channels:
                self._pubsub.get_message(timeout=_TIMEOUT)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._drop()


async def _hear(
    url: str,
    kinds: Collection[type[Event]],
    subscription: Subscription,
    ready: asyncio.Event,
) -> None:
    """Feed `subscription` until cancelled, across absences of Redis."""
    client = redis.asyncio.Redis.from_url(
        url, socket_connect_timeout=_TIMEOUT, health_check_interval=_HEALTH_CHECK
    )
    try:
        while True:
            try:
                await _hear_once(client, kinds, subscription, ready)
            except (redis.RedisError, OSError) as error:
                logger.warning("redis is away, events are lost", extra={"detail": str(error)})
            await asyncio.sleep(_PAUSE)
    finally:
        await client.aclose()


async def _hear_once(
    client: Any, kinds: Collection[type[Event]], subscription: Subscription, ready: asyncio.Event
) -> None:
    async with client.pubsub() as pubsub:
        await pubsub.subscribe(*(_channel(kind) for kind in kinds))
        waiting = len(kinds)
        while True:
            message = await pubsub.get_message(timeout=_HEALTH_CHECK)
            if message is None:
                continue
            if message["type"] == "message":
                subscription.feed(decode(message["data"]))
            elif message["type"] == "subscribe":
                waiting -= 1
                if waiting == 0 and ready.is_set():
                    subscription.feed([EventsMissed()])  # back after an absence
                if waiting == 0:
                    ready.set()


def _channel(kind: type[Event]) -> str:
    """Channels are shared by all databases of a Redis: the name tells installations apart."""
    name = f"events:{connection.settings_dict['NAME']}"
    mark = hmac.new(settings.SECRET_KEY.encode(), name.encode(), hashlib.sha256).hexdigest()[:16]
    return f"mailhost:{mark}:{kind.__name__}"


def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
