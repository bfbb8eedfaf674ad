"""Our TLS transport: what is written arrives, what is not read waits, and every end is an end."""

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from apps.runtime import tlsstream
from apps.runtime.tlsstream import TlsTransport, accept

MIB = 1024 * 1024


class Recorder(asyncio.Protocol):
    """Remembers what it is told."""

    def __init__(self, *, stays: bool = False) -> None:
        self.heard = bytearray()
        self.told: list[str] = []
        self.stays = stays
        self.transport: TlsTransport | None = None

    @property
    def out(self) -> TlsTransport:
        assert self.transport is not None
        return self.transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(TlsTransport, transport)
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def eof_received(self) -> bool:
        self.told.append("eof")
        return self.stays

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append("lost")


@pytest.fixture
def context(tls_files: dict[str, Path]) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(tls_files["cert"], tls_files["key"])
    return made


@pytest.fixture
def trusting(tls_files: dict[str, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tls_files["ca"]))


async def until(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds, at most 10 s."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what it looks at tells nobody
            await asyncio.sleep(0.002)


def over_tcp() -> tuple[socket.socket, socket.socket]:
    """Ours, and theirs."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        theirs = socket.create_connection(listening.getsockname())
        return listening.accept()[0], theirs


@asynccontextmanager
async def connected(
    protocol: Recorder,
    context: ssl.SSLContext,
    trusting: ssl.SSLContext,
    pair: Callable[[], tuple[socket.socket, socket.socket]] = socket.socketpair,
) -> AsyncIterator[ssl.SSLSocket]:
    """A client's blocking socket, for use in threads; its TLS agreed on."""
    ours, theirs = pair()
    ours.setblocking(False)
    theirs.settimeout(10)
    wrapping = asyncio.to_thread(trusting.wrap_socket, theirs, server_hostname="localhost")
    client, _ = await asyncio.gather(wrapping, accept(ours, protocol, context, 10))
    try:
        yield client
    finally:
        client.close()
        await until(lambda: protocol.told[-1] == "lost")


def read_all(client: ssl.SSLSocket) -> bytes:
    """All up to the end."""
    said = bytearray()
    while data := client.recv(65_536):
        said += data
    return bytes(said)


def read(client: ssl.SSLSocket, size: int) -> bytes:
    said = bytearray()
    while len(said) < size:
        said += client.recv(65_536)
    return bytes(said)


@pytest.mark.parametrize("size", [1, 16_383, 16_384, 16_385, 100_000, 3 * MIB])
async def test_it_carries_octets_both_ways(
    context: ssl.SSLContext, trusting: ssl.SSLContext, size: int
) -> None:
    protocol, raw = Recorder(), os.urandom(size)
    async with connected(protocol, context, trusting) as client:
        await asyncio.to_thread(client.sendall, raw)
        await until(lambda: len(protocol.heard) == size)
        assert protocol.heard == raw
        protocol.out.write(raw)
        protocol.out.writelines([b"more", bytearray(b" of "), memoryview(b"it")])
        assert await asyncio.to_thread(read, client, size + 10) == raw + b"more of it"
    assert next(word for word in protocol.told if word not in {"pause", "resume"}) == "made"


async def test_it_tells_what_was_agreed_on(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    protocol = Recorder()
    async with connected(protocol, context, trusting) as client:
        out = protocol.out
        assert out.get_extra_info("ssl_object").version() == client.version() == "TLSv1.3"
        assert out.get_extra_info("cipher")[0] == cast(tuple[str, str, int], client.cipher())[0]
        assert out.get_extra_info("sslcontext") is context
        assert out.get_extra_info("nothing", 7) == 7
        assert out.get_extra_info("socket").fileno() >= 0
        assert out.get_protocol() is protocol
        assert not out.can_write_eof()


async def test_it_waits_for_a_client_that_does_not_read(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    protocol = Recorder()
    async with connected(protocol, context, trusting) as client:
        protocol.out.set_write_buffer_limits(high=100_000)
        protocol.out.write(b"x" * (2 * MIB))
        await until(lambda: "pause" in protocol.told)
        assert protocol.out.get_write_buffer_size() > 100_000
        assert len(await asyncio.to_thread(read, client, 2 * MIB)) == 2 * MIB
        await until(lambda: "resume" in protocol.told)
        assert protocol.out.get_write_buffer_size() == 0


async def test_it_leaves_unread_what_nobody_wants_yet(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    protocol = Recorder()
    async with connected(protocol, context, trusting) as client:
        protocol.out.pause_reading()
        assert not protocol.out.is_reading()
        sending = asyncio.create_task(asyncio.to_thread(client.sendall, b"x" * (4 * MIB)))
        done, _ = await asyncio.wait([sending], timeout=0.2)
        assert not done
        assert not protocol.heard
        protocol.out.resume_reading()
        await sending
        await until(lambda: len(protocol.heard) == 4 * MIB)


async def test_its_last_words_arrive_whatever_else_is_on_its_way(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    """A socket that is closed with something unread in it is reset."""
    protocol = Recorder()
    async with connected(protocol, context, trusting) as client:
        protocol.out.pause_reading()
        await asyncio.to_thread(client.sendall, b"x" * 50_000)
        protocol.out.write(b"goodbye")
        protocol.out.close()
        assert protocol.out.is_closing()
        protocol.out.write(b"dropped")
        assert await asyncio.to_thread(read_all, client) == b"goodbye"
    assert not protocol.heard


async def test_it_sends_what_is_queued_before_it_closes(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    protocol = Recorder()
    async with connected(protocol, context, trusting) as client:
        protocol.out.write(b"x" * (3 * MIB))
        protocol.out.close()
        assert len(await asyncio.to_thread(read_all, client)) == 3 * MIB


async def test_it_does_not_wait_for_ever_for_a_goodbye(
    context: ssl.SSLContext, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tlsstream, "LINGER", 0.05)
    for unread in (b"bye", b"x" * (3 * MIB)):
        protocol = Recorder()
        async with connected(protocol, context, trusting):
            protocol.out.write(unread)
            protocol.out.close()
            await until(lambda told=protocol.told: told[-1] == "lost")  # type: ignore[misc]


@pytest.mark.parametrize("polite", [True, False])
async def test_it_tells_that_the_client_has_gone(
    context: ssl.SSLContext, trusting: ssl.SSLContext, polite: bool
) -> None:
    protocol = Recorder()
    async with connected(protocol, context, trusting) as client:
        await asyncio.to_thread(client.sendall, b"last")
        if polite:
            with contextlib.suppress(ssl.SSLError, OSError):
                await asyncio.to_thread(client.unwrap)
        else:
            client.shutdown(socket.SHUT_WR)
        await until(lambda: protocol.told[-1] == "lost")
    assert protocol.heard == b"last"
    assert protocol.told == ["made", "eof", "lost"]


async def test_it_answers_a_client_that_has_said_all(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    protocol = Recorder(stays=True)
    async with connected(protocol, context, trusting) as client:
        socket.socket.shutdown(client, socket.SHUT_WR)  # SSLSocket's own would end its TLS
        await until(lambda: protocol.told[-1] == "eof")
        protocol.out.write(b"answer")
        protocol.out.close()
        assert await asyncio.to_thread(client.recv, 100) == b"answer"
        await until(lambda: protocol.told[-1] == "lost")  # there is nobody to wait for


async def test_it_ends_with_the_first_octets_that_are_no_tls(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    protocol = Recorder()
    async with connected(protocol, context, trusting) as client:
        with socket.socket(fileno=os.dup(client.fileno())) as plain:
            plain.sendall(b"a NOOP\r\n" * 20)
            await until(lambda: protocol.told[-1] == "lost")
    assert not protocol.heard
    assert protocol.told == ["made", "lost"]


async def test_it_can_be_dropped_at_any_time(
    context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    protocol = Recorder()
    async with connected(protocol, context, trusting):
        protocol.out.write(b"x" * (3 * MIB))
        protocol.out.abort()
        assert protocol.out.is_closing()
        await until(lambda: protocol.told[-1] == "lost")
        protocol.out.write(b"nobody hears it")
        protocol.out.close()
        protocol.out.abort()


async def test_it_may_be_reset_while_it_says_goodbye(
    context: ssl.SSLContext, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol = Recorder()
    async with connected(protocol, context, trusting, over_tcp) as client:
        send = TlsTransport._send_pending

        def send_to_one_who_resets(transport: TlsTransport) -> None:
            send(transport)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

        monkeypatch.setattr(TlsTransport, "_send_pending", send_to_one_who_resets)
        protocol.out.close()
        await until(lambda: protocol.told[-1] == "lost")


async def test_it_says_why_there_is_no_handshake(context: ssl.SSLContext) -> None:
    for words, error in (
        (b"GET / HTTP/1.1\r\n\r\n", ConnectionAbortedError),
        (b"", ConnectionResetError),
    ):
        protocol = Recorder()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            theirs.sendall(words)
            theirs.shutdown(socket.SHUT_WR)
            with pytest.raises(error):
                await accept(ours, protocol, context, 10)
        assert protocol.told == []


async def test_it_tells_a_client_in_the_clear_what_is_spoken_here(context: ssl.SSLContext) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(10)
    with theirs:
        theirs.sendall(b"a NOOP\r\n")
        accepting = asyncio.create_task(
            accept(ours, Recorder(), context, 10, b"* BYE TLS only\r\n")
        )
        assert await asyncio.to_thread(theirs.recv, 100) == b"* BYE TLS only\r\n"
        assert await asyncio.to_thread(theirs.recv, 100) == b""
        theirs.close()
        with pytest.raises(ConnectionAbortedError, match="did not speak TLS"):
            await accepting


async def test_it_waits_for_a_handshake_so_long_and_no_longer(context: ssl.SSLContext) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(10)
    with theirs:
        theirs.sendall(b"\x16\x03\x01")
        with pytest.raises(TimeoutError):
            await accept(ours, Recorder(), context, 0.05)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.to_thread(theirs.recv, 10) == b""
