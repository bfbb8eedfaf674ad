"""Connections to the addresses of a host: the first that answers, and none left open."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

import pytest
from pytest_django import Settings

from apps.remote.dialer import Dialer, NoAnswerError
from apps.resolver.base import IPAddress
from tests.remote.ground import SHORT
from tests.support.services import free_port

ONE, TWO, SIX = ip_address("127.0.0.1"), ip_address("127.0.0.2"), ip_address("::1")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


class Silent(Dialer):
    """Some addresses neither answer nor refuse."""

    def __init__(self, *silent: IPAddress) -> None:
        super().__init__(replace(SHORT, connect=0.4, head_start=0.05))
        self.silent = silent
        self.begun: list[IPAddress] = []
        self.given_up: list[IPAddress] = []

    async def _connect(self, target: IPAddress, port: int) -> socket.socket:
        self.begun.append(target)
        if target not in self.silent:
            return await super()._connect(target, port)
        try:
            async with asyncio.timeout(self._patience.connect):
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up.append(target)
            raise
        raise AssertionError


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


async def test_it_connects_to_the_first(listener: socket.socket) -> None:
    dialer = Silent()
    channel, address, failures = await dialer.dial([ONE, TWO], port_of(listener))
    channel.close()
    assert (address, failures, dialer.begun) == (ONE, {}, [ONE])


async def test_it_goes_on_at_once_when_one_refuses(listener: socket.socket) -> None:
    dialer = Dialer(replace(SHORT, head_start=30))
    async with asyncio.timeout(5):
        channel, address, failures = await dialer.dial([TWO, ONE], port_of(listener))
    channel.close()
    assert (address, failures) == (ONE, {TWO: "connection refused"})


async def test_it_does_not_wait_for_one_that_is_silent(listener: socket.socket) -> None:
    dialer = Silent(SIX)
    channel, address, failures = await dialer.dial([SIX, ONE], port_of(listener))
    channel.close()
    await asyncio.sleep(0)
    assert (address, failures) == (ONE, {})
    assert dialer.given_up == [SIX]


async def test_it_tells_why_each_failed() -> None:
    dialer = Silent(SIX)
    with pytest.raises(NoAnswerError) as caught:
        await dialer.dial([SIX, ONE], free_port())
    assert caught.value.failures == {
        ONE: "connection refused",
        SIX: "no answer within 0.4 seconds",
    }


async def test_it_tries_the_dead_last(listener: socket.socket) -> None:
    dialer, port = Dialer(SHORT), port_of(listener)
    assert dialer.order([TWO, ONE], port) == [TWO, ONE]
    channel, _, _ = await dialer.dial([TWO, ONE], port)
    channel.close()
    assert dialer.order([TWO, ONE], port) == [ONE, TWO]
    assert dialer.order([TWO, ONE], port + 1) == [TWO, ONE]


async def test_it_blames_nobody_else_for_what_is_wrong_here(
    listener: socket.socket, settings: Settings
) -> None:
    settings.SMTP_OUT_ADDRESS = ("192.0.2.1",)
    dialer, port = Dialer(SHORT), port_of(listener)
    with pytest.raises(NoAnswerError, match="which is no address of this machine"):
        await dialer.dial([ONE], port)
    assert dialer.order([ONE, TWO], port) == [ONE, TWO]


async def test_it_forgets_that_one_was_dead(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialer, port = Dialer(SHORT), port_of(listener)
    channel, _, _ = await dialer.dial([TWO, ONE], port)
    channel.close()
    monkeypatch.setattr("apps.remote.dialer.DEAD_SECONDS", -1.0)
    channel, _, _ = await dialer.dial([TWO, ONE], port)
    channel.close()
    assert dialer.order([TWO, ONE], port) == [TWO, ONE]


async def test_it_remembers_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.remote.dialer.MOST_DEAD", 3)
    dialer = Dialer(SHORT)
    for number in range(1, 6):
        with pytest.raises(NoAnswerError):
            await dialer.dial([ip_address(f"127.0.0.{number}")], free_port())
    assert len(dialer._dead) == 3


async def test_it_leaves_no_socket_behind(listener: socket.socket) -> None:
    dialer = Silent(SIX)
    task = asyncio.ensure_future(dialer.dial([SIX], 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert dialer.given_up == [SIX]
