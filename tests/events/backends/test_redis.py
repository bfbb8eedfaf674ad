"""Redis may come and go: nobody waits for it, and hearers come back by themselves."""

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Self

import pytest
from django.db import connection

from apps.events.backends.redis import RedisBus
from apps.events.types import Event, EventsMissed, MailboxChanged, QueueRang
from tests.support import services

pytestmark = pytest.mark.django_db


class Cable:
    """A TCP relay to a server, which can be cut and mended."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._is_cut = False
        self._ends: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                if self._is_cut:
                    near.close()
                    continue
                self._ends.append(near)
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends.append(far)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_relay, args=(source, sink), daemon=True).start()

    def cut(self) -> None:
        self._is_cut = True
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._is_cut = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join(30)  # whoever it still lets in is among the ends
        self.cut()
        for end in self._ends:
            end.close()


def _relay(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def server() -> Iterator[services.Server]:
    with services.redis() as running:
        yield running


@pytest.fixture
def bus(server: services.Server) -> Iterator[RedisBus]:
    made = RedisBus(server.url)
    yield made
    made.close()


def test_it_tells_other_processes(bus: RedisBus, server: services.Server) -> None:
    other = RedisBus(server.url)
    with other.listen({QueueRang}) as inbox:
        assert bus.send_now([QueueRang(), MailboxChanged(1, 1)]) == 1
        assert inbox.read(5) == [QueueRang()]
    # Redis counts a hearer until it has seen that the connection is closed.
    services.wait_for(lambda: bus.send_now([QueueRang()]) == 0, what="nobody hears any more")
    other.close()


def test_it_keeps_installations_apart(bus: RedisBus, monkeypatch: pytest.MonkeyPatch) -> None:
    with bus.listen({QueueRang}) as inbox:
        monkeypatch.setitem(connection.settings_dict, "NAME", "another")
        assert bus.send_now([QueueRang()]) == 0
        assert not inbox.wait(0.05)


def test_it_does_not_make_the_publisher_wait(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="apps.events.backends.redis")
    away = RedisBus(f"redis://127.0.0.1:{services.free_port()}/0")
    started = time.monotonic()
    for number in range(1000):
        away.send([MailboxChanged(number, 1)])
    assert time.monotonic() - started < 5
    assert away.send_now([QueueRang()]) == 0
    with away.listen({QueueRang}) as inbox:
        assert not inbox.wait(0.05)
    away.close()
    told = [one for one in caplog.records if "redis is away" in one.message]
    assert 1 <= len(told) <= 2  # once for an absence, not for each event


async def test_it_comes_back_after_an_absence() -> None:
    heard: list[Event] = []

    async def until(event: Event) -> None:
        async with asyncio.timeout(15):
            while event not in heard:  # noqa: ASYNC110 - a list tells nobody that it grew
                await asyncio.sleep(0.01)

    with services.redis() as server, Cable(server.port) as cable:
        bus = RedisBus(f"redis://127.0.0.1:{cable.port}/0")
        loop = asyncio.get_running_loop()
        subscription = await bus.subscribe(loop, {MailboxChanged}, heard.append)
        bus.send([MailboxChanged(1, 1)])
        await until(MailboxChanged(1, 1))
        cable.cut()
        bus.send([MailboxChanged(1, 2)])  # lost, and no matter
        cable.mend()
        await until(EventsMissed())
        await asyncio.to_thread(bus.send_now, [MailboxChanged(1, 3)])
        await until(MailboxChanged(1, 3))
        subscription.close()
        bus.close()
