"""A real listener on loopback ports, its event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from django.test import override_settings

from apps.runtime import db
from apps.runtime.listener import Door, Listener
from mailhost.env import Endpoint

PATIENCE = 30.0


class Service(Protocol):
    """What has doors."""

    def doors(self) -> list[Door]: ...


S = TypeVar("S", bound=Service)


@dataclass
class Listening(Generic[S]):
    """What runs: the service, its ports by door, its listener."""

    service: S
    ports: dict[str, int]
    listener: Listener


@contextmanager
def listening(build: Callable[[], S], *doors: str, **changed: object) -> Iterator[Listening[S]]:
    """Serve the doors of `build()` until the block ends; settings may be `changed` meanwhile.

    Args:
        build: called on the loop; if the service has a `close()`, it is awaited at the end.
        doors: names of doors, each opened on a free port of 127.0.0.1.
    """
    wanted: dict[str, object] = {
        f"{name.upper()}_LISTEN": Endpoint("127.0.0.1", 0) for name in doors
    }
    wanted["CLEARTEXT_AUTH"] = "loopback"
    ready = threading.Event()
    running: list[tuple[Listening[S], asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        service = build()
        listener = Listener(service.doors())
        listener.start()
        stop = asyncio.Event()
        one = Listening(service, listener.ports(), listener)
        running.append((one, asyncio.get_running_loop(), stop))
        ready.set()
        await stop.wait()
        await listener.stop(grace=5)
        if (close := getattr(service, "close", None)) is not None:
            await close()

    with override_settings(**{**wanted, **changed}):
        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        try:
            assert ready.wait(PATIENCE), "the listener did not start"
            yield running[0][0]
        finally:
            for _, loop, stop in running:
                loop.call_soon_threadsafe(stop.set)
            thread.join(PATIENCE)
            db.shutdown()
            assert not thread.is_alive()
