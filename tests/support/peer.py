"""A server that misbehaves: what it does with a connection is a function of the test."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mailhost.env import Endpoint
from tests.support.services import LOOPBACK

Behaviour = Callable[[socket.socket], None]


@dataclass(slots=True)
class Peer:
    """Where it listens, and what came."""

    place: Endpoint
    behaviour: Behaviour
    over: threading.Event = field(default_factory=threading.Event)
    connections: int = 0
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Of a web server."""
        return f"http://{self.place}"

    def hang(self, client: socket.socket) -> None:
        """Say nothing, as long as the test lasts."""
        self.over.wait(30)

    def serve(self, client: socket.socket) -> None:
        """One connection, counted."""
        with self._lock:
            self.connections += 1
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            with client, contextlib.suppress(OSError):
                client.settimeout(10)
                self.behaviour(client)
        finally:
            with self._lock:
                self._now -= 1


@contextlib.contextmanager
def peer(behaviour: Behaviour | None = None) -> Iterator[Peer]:
    """Listen for the time of the context. It hangs if there is no behaviour."""
    with socket.create_server((LOOPBACK, 0), backlog=256) as listening:
        found = Peer(Endpoint(*listening.getsockname()), behaviour or (lambda client: None))
        if behaviour is None:
            found.behaviour = found.hang
        threads: list[threading.Thread] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while not found.over.is_set():
                    client, _ = listening.accept()
                    threads.append(threading.Thread(target=found.serve, args=[client]))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield found
        finally:
            found.over.set()
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            accepting.join(10)
            for thread in threads:
                thread.join(10)


def closed_place() -> Endpoint:
    """Where nobody listens."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        return Endpoint(*listening.getsockname())
