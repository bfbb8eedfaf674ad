"""A real IMAP listener on loopback ports, its event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.test import override_settings

from apps.imap.doors import Service
from apps.imap.limits import Limits
from apps.runtime import db
from apps.runtime.listener import Listener
from mailhost.env import Endpoint

PATIENCE = 20.0


@dataclass
class RunningServer:
    """Ports, and the loop with what runs on it."""

    port: int
    tls_port: int
    service: Service
    loop: asyncio.AbstractEventLoop
    listener: Listener


@contextmanager
def running(limits: Limits | None = None, **changed: object) -> Iterator[RunningServer]:
    """Serve until the block ends; settings may be `changed` meanwhile."""
    wanted = {
        "IMAP_LISTEN": Endpoint("127.0.0.1", 0),
        "IMAPS_LISTEN": Endpoint("127.0.0.1", 0),
        "CLEARTEXT_AUTH": "loopback",
    }
    with override_settings(**{**wanted, **changed}):
        ready = threading.Event()
        holder: list[RunningServer] = []
        stop: list[asyncio.Event] = []
        limits = limits or Limits(message_size=settings.MESSAGE_SIZE_LIMIT)

        async def serve() -> None:
            service = Service(limits)
            listener = Listener(service.doors())
            listener.start()
            ports = listener.ports()
            loop = asyncio.get_running_loop()
            holder.append(RunningServer(ports["imap"], ports["imaps"], service, loop, listener))
            stop.append(asyncio.Event())
            ready.set()
            await stop[0].wait()
            await listener.stop(grace=5)
            await service.close()

        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        try:
            assert ready.wait(PATIENCE), "the listener did not start"
            yield holder[0]
        finally:
            if holder:
                holder[0].loop.call_soon_threadsafe(stop[0].set)
            thread.join(PATIENCE)
            db.shutdown()
            assert not thread.is_alive()
