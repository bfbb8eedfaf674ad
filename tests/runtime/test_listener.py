"""The doors' sockets: admission, TLS, PROXY headers, running out of descriptors, the end."""

import asyncio
import contextlib
import ipaddress
import resource
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import uvloop
from pytest_django import Settings

from apps.runtime import listener as module
from apps.runtime.listener import Door, DoorError, Listener, Peer, connection_limit, start_tls
from apps.runtime.tls import Certificates
from mailhost.env import Endpoint

ANYWHERE = Endpoint("127.0.0.1", 0)
REFUSAL = b"421 full\r\n"


class Echo(asyncio.Protocol):
    """Says whom it sees, then repeats what it hears. `STARTTLS` and `SLOW` are commands."""

    context: ssl.SSLContext | None = None

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.transport: asyncio.Transport | None = None
        self.slow: asyncio.Task[None] | None = None
        self.leaving = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is of no such class
        self.say(f"hello {self.peer.address} {'tls' if self.peer.tls else 'plain'}")

    def say(self, text: str) -> None:
        assert self.transport is not None
        self.transport.write(text.encode() + b"\r\n")

    def data_received(self, data: bytes) -> None:
        self.peer.lease.heard()
        word = data.decode().strip()
        if word == "SLOW":
            self.slow = asyncio.get_running_loop().create_task(self._slow())
        elif word == "STARTTLS":
            self.say("go ahead")
            asyncio.get_running_loop().create_task(self._start_tls())
        elif word == "LOGIN":
            self.say("yes" if self.peer.lease.signed_in(1) else "no")
        else:
            self.say(word)

    async def _slow(self) -> None:
        await asyncio.sleep(0.3)
        self.slow = None
        self.say("done")
        if self.leaving:
            self.shutdown()

    async def _start_tls(self) -> None:
        assert self.transport is not None
        assert self.context is not None
        with contextlib.suppress(OSError):
            self.transport = await start_tls(self.transport, self, self.context)

    def shutdown(self) -> None:
        self.leaving = True
        if self.slow is None and self.transport is not None:
            self.say("bye")
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.peer.lease.release()


class Deaf(Echo):
    """Never leaves by itself."""

    def shutdown(self) -> None:
        return


@dataclass
class Running:
    listener: Listener
    ports: dict[str, int]

    async def connect(
        self, door: str = "smtp", context: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.ports[door], ssl=context)


@asynccontextmanager
async def running(*doors: Door, certificates: Certificates | None = None) -> AsyncIterator[Running]:
    listener = Listener(doors, certificates=certificates)
    listener.start()
    try:
        yield Running(listener, listener.ports())
    finally:
        await listener.stop(grace=1.0)


async def until(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds, at most 10 s."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what it looks at tells nobody
            await asyncio.sleep(0.002)


def smtp(factory: Callable[[Peer], Echo] = Echo, **more: object) -> Door:
    return Door("smtp", ANYWHERE, factory, refusal=REFUSAL, **more)  # type: ignore[arg-type]


@pytest.fixture
def certificates(tls_files: dict[str, Path]) -> Certificates:
    return Certificates(tls_files["cert"], tls_files["key"], "mail.example.test")


@pytest.fixture
def trusting(tls_files: dict[str, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tls_files["ca"]))


async def test_it_serves_a_plain_door() -> None:
    async with running(smtp()) as server:
        reader, writer = await server.connect()
        assert await reader.readline() == b"hello 127.0.0.1 plain\r\n"
        writer.write(b"NOOP\r\n")
        assert await reader.readline() == b"NOOP\r\n"
        assert len(server.listener.book) == 1
        writer.close()
        await until(lambda: len(server.listener.book) == 0)


async def test_it_serves_a_tls_door(certificates: Certificates, trusting: ssl.SSLContext) -> None:
    door = Door("imaps", ANYWHERE, Echo, implicit_tls=True, alpn=("imap",))
    async with running(door, certificates=certificates) as server:
        reader, writer = await server.connect("imaps", trusting)
        assert await reader.readline() == b"hello 127.0.0.1 tls\r\n"
        writer.close()


async def test_it_sends_the_alert_before_it_closes(
    certificates: Certificates, trusting: ssl.SSLContext
) -> None:
    door = Door("imaps", ANYWHERE, Echo, implicit_tls=True, alpn=("imap",))
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    async with running(door, certificates=certificates) as server:
        with pytest.raises(ssl.SSLError, match="no application protocol"):
            await server.connect("imaps", trusting)
        await until(lambda: len(server.listener.book) == 0)


async def test_it_starts_tls_later(certificates: Certificates, trusting: ssl.SSLContext) -> None:
    Echo.context = certificates.server_context()
    async with running(smtp()) as server:
        reader, writer = await server.connect()
        await reader.readline()
        writer.write(b"STARTTLS\r\n")
        assert await reader.readline() == b"go ahead\r\n"
        await writer.start_tls(trusting, server_hostname="localhost")
        writer.write(b"inside\r\n")
        assert await reader.readline() == b"inside\r\n"
        writer.close()


@pytest.mark.parametrize("garbage", [b"no hello\r\n", b""])
async def test_it_releases_the_place_when_tls_does_not_start(
    certificates: Certificates, garbage: bytes
) -> None:
    Echo.context = certificates.server_context()
    async with running(smtp()) as server:
        reader, writer = await server.connect()
        await reader.readline()
        writer.write(b"STARTTLS\r\n")
        assert await reader.readline() == b"go ahead\r\n"
        if garbage:
            writer.write(garbage)
            assert await _rest(reader) == b""
        writer.close()
        await until(lambda: len(server.listener.book) == 0)
        writer.close()


def _client_hello() -> bytes:
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(to_client, to_server, server_hostname="x.test")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return to_server.read()


# A fatal alert, bad_certificate: what a client says that does not trust us.
_ALERT = b"\x15\x03\x03\x00\x02\x02\x2a"


@pytest.mark.parametrize("resets", [True, False], ids=["reset", "close"])
@pytest.mark.parametrize("last", [b"", _ALERT], ids=["silent", "alert"])
@pytest.mark.parametrize("stage", ["command", "hello", "answer"])
@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_it_releases_the_place_whenever_a_client_leaves_the_handshake(
    certificates: Certificates,
    stage: str,
    last: bytes,
    resets: bool,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    Echo.context = certificates.server_context()

    async def leave() -> None:
        async with running(smtp()) as server:
            reader, writer = await server.connect()
            await reader.readline()
            writer.write(b"STARTTLS\r\n")
            assert await reader.readline() == b"go ahead\r\n"
            if stage != "command":
                writer.write(_client_hello())
            if stage == "answer":
                await reader.readexactly(5)
            writer.write(last)
            if resets:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger
                )
            writer.close()
            await until(lambda: len(server.listener.book) == 0)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(leave())


async def test_it_releases_the_place_of_a_failed_handshake(certificates: Certificates) -> None:
    door = Door("imaps", ANYWHERE, Echo, implicit_tls=True)
    async with running(door, certificates=certificates) as server:
        reader, writer = await server.connect("imaps")
        writer.write(b"A1 LOGIN in the clear\r\n")
        assert await _rest(reader) == b""
        writer.close()
        await until(lambda: len(server.listener.book) == 0)


async def test_it_serves_both_where_a_door_takes_both(
    certificates: Certificates, trusting: ssl.SSLContext
) -> None:
    door = Door("web", ANYWHERE, Echo, implicit_tls=True, plain_too=True)
    async with running(door, certificates=certificates) as server:
        reader, writer = await server.connect("web", trusting)
        assert await reader.readline() == b"hello 127.0.0.1 tls\r\n"
        writer.close()
        reader, writer = await server.connect("web")
        writer.write(b"GET\r\n")
        assert await reader.readline() == b"hello 127.0.0.1 plain\r\n"
        assert await reader.readline() == b"GET\r\n"
        writer.close()


async def test_it_tells_whom_it_cannot_admit(settings: Settings) -> None:
    settings.CONNECTIONS_PER_ADDRESS = 1
    async with running(smtp()) as server:
        first_reader, first = await server.connect()
        await first_reader.readline()
        first.write(b"EHLO\r\n")
        await first_reader.readline()
        reader, writer = await server.connect()
        assert await reader.read() == REFUSAL
        writer.close()
        first.close()


async def test_it_lets_users_sign_in_past_silent_strangers(settings: Settings) -> None:
    settings.CONNECTIONS_PER_ADDRESS = 20
    async with running(smtp()) as server:
        idle = [await server.connect() for _ in range(60)]
        reader, writer = await server.connect()
        assert await reader.readline() == b"hello 127.0.0.1 plain\r\n"
        writer.write(b"LOGIN\r\n")
        assert await reader.readline() == b"yes\r\n"
        assert await idle[0][0].read() == b"hello 127.0.0.1 plain\r\nbye\r\n"  # made room
        for _, one in idle:
            one.close()
        writer.close()


async def test_it_holds_at_most_so_many_in_all(settings: Settings) -> None:
    settings.CONNECTIONS_TOTAL = 3
    async with running(smtp()) as server:
        writers = []
        for _ in range(3):
            reader, writer = await server.connect()
            await reader.readline()
            writer.write(b"EHLO\r\n")
            await reader.readline()
            writers.append(writer)
        reader, writer = await server.connect()
        assert await reader.read() == REFUSAL
        for one in (*writers, writer):
            one.close()


async def test_it_believes_a_trusted_proxy(
    settings: Settings, certificates: Certificates, trusting: ssl.SSLContext
) -> None:
    settings.TRUSTED_PROXIES = (ipaddress.ip_network("127.0.0.0/8"),)
    imaps = Door("imaps", ANYWHERE, Echo, implicit_tls=True)
    async with running(smtp(), imaps, certificates=certificates) as server:
        reader, writer = await server.connect()
        writer.write(b"PROXY TCP4 203.0.113.9 192.0.2.1 5000 25\r\nEHLO\r\n")
        assert await reader.readline() == b"hello 203.0.113.9 plain\r\n"
        assert await reader.readline() == b"EHLO\r\n"
        writer.close()
        reader, writer = await server.connect("imaps")
        for piece in (b"PROXY TC", b"P4 203.0.113.9 192.0.2", b".1 5000 993\r\n"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
        await writer.start_tls(trusting, server_hostname="localhost")
        assert await reader.readline() == b"hello 203.0.113.9 tls\r\n"
        writer.close()


async def test_it_lets_a_trusted_proxy_speak_for_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRUSTED_PROXIES = (ipaddress.ip_network("127.0.0.0/8"),)
    monkeypatch.setattr(module, "_PROXY_FIRST", 0.05)
    async with running(smtp()) as server:
        reader, writer = await server.connect()
        assert await reader.readline() == b"hello 127.0.0.1 plain\r\n"
        writer.close()
        reader, writer = await server.connect()
        writer.write(b"EHLO\r\n")
        assert await reader.readline() == b"hello 127.0.0.1 plain\r\n"
        assert await reader.readline() == b"EHLO\r\n"
        writer.close()


async def test_it_reads_a_header_that_came_while_the_machine_stood_still(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a stranger would be taken for the proxy itself."""
    settings.TRUSTED_PROXIES = (ipaddress.ip_network("127.0.0.0/8"),)
    for piece in (b"PROXY TCP4 203.0.113.9 192.0.2.1 5000 25\r\n", b"PROXY TCP4 203.0"):
        monkeypatch.setattr(module, "_PROXY_FIRST", 0.0)  # over before anybody looks
        async with running(smtp()) as server:
            client = socket.create_connection(("127.0.0.1", server.ports["smtp"]))
            client.sendall(piece)
            reader, writer = await asyncio.open_connection(sock=client)
            writer.write(b".113.9 192.0.2.1 5000 25\r\n" if not piece.endswith(b"\n") else b"")
            assert await reader.readline() == b"hello 203.0.113.9 plain\r\n"
            writer.close()


async def test_it_closes_on_a_bad_header_of_a_proxy(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = (ipaddress.ip_network("127.0.0.0/8"),)
    async with running(smtp()) as server:
        reader, writer = await server.connect()
        writer.write(b"PROXY TCP4 nobody nowhere 1 2\r\n")
        assert await _rest(reader) == b""
        assert len(server.listener.book) == 0
        writer.close()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the end, which a reset is as well."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_it_gives_a_strangers_header_to_the_protocol() -> None:
    async with running(smtp()) as server:
        reader, writer = await server.connect()
        assert await reader.readline() == b"hello 127.0.0.1 plain\r\n"
        writer.write(b"PROXY TCP4 203.0.113.9 192.0.2.1 5000 25\r\n")
        assert (await reader.readline()).startswith(b"PROXY")
        writer.close()


async def test_it_lets_a_running_command_finish_at_the_end() -> None:
    async with running(smtp()) as server:
        reader, writer = await server.connect()
        idle, idle_writer = await server.connect()
        await reader.readline()
        await idle.readline()
        writer.write(b"SLOW\r\n")
        await until(lambda: any(c.protocol.slow for c in server.listener._connections.values()))  # type: ignore[union-attr]
        await server.listener.stop(grace=5)
        assert await idle.read() == b"bye\r\n"
        assert await reader.read() == b"done\r\nbye\r\n"
        with pytest.raises(ConnectionRefusedError):
            await server.connect()
        writer.close()
        idle_writer.close()


async def test_it_cuts_connections_that_do_not_leave() -> None:
    async with running(smtp(Deaf)) as server:
        reader, writer = await server.connect()
        await reader.readline()
        started = time.monotonic()
        await server.listener.stop(grace=0.1)
        assert time.monotonic() - started < 10
        assert await reader.read() == b""
        assert len(server.listener.book) == 0
        writer.close()


async def test_it_cuts_handshakes_at_the_end(certificates: Certificates) -> None:
    door = Door("imaps", ANYWHERE, Echo, implicit_tls=True)
    async with running(door, certificates=certificates) as server:
        reader, writer = await server.connect("imaps")
        await until(lambda: len(server.listener.book) == 1)
        started = time.monotonic()
        await server.listener.stop(grace=60)
        assert time.monotonic() - started < 10
        assert await _rest(reader) == b""
        writer.close()


async def test_it_awaits_what_a_door_has_left_to_do() -> None:
    done: list[str] = []

    async def afterwards() -> None:
        done.append("once")

    doors = [Door(name, ANYWHERE, Echo, afterwards=afterwards) for name in ("imap", "pop3")]
    async with running(*doors):
        assert not done
    assert done == ["once"]


async def test_it_survives_a_client_that_resets_at_once() -> None:
    async with running(smtp()) as server:
        for _ in range(20):
            sock = socket.create_connection(("127.0.0.1", server.ports["smtp"]))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        reader, writer = await server.connect()
        assert await reader.readline() == b"hello 127.0.0.1 plain\r\n"
        writer.close()
        await until(lambda: len(server.listener.book) == 0)


async def test_it_waits_when_descriptors_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers wait in the kernel's line, nothing spins, and it goes on when there are some."""
    monkeypatch.setattr(module, "_BACK_OFF", 0.05)
    calls = 0
    accept = Listener._accept

    def counted(self: Listener, door: Door, listening: socket.socket) -> None:
        nonlocal calls
        calls += 1
        accept(self, door, listening)

    monkeypatch.setattr(Listener, "_accept", counted)
    async with running(smtp()) as server:
        waiting = [socket.socket() for _ in range(5)]
        for one in waiting:
            one.setblocking(False)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        taken: list[socket.socket] = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
        try:
            with pytest.raises(OSError, match="Too many open files"):
                taken.extend(socket.socket() for _ in range(1000))
            for one in waiting:
                one.connect_ex(("127.0.0.1", server.ports["smtp"]))
            spent = []
            for _ in range(3):  # into one of them may fall the garbage of other tests
                calls, before = 0, time.process_time()
                await asyncio.sleep(0.3)
                spent.append(time.process_time() - before)
                assert 1 <= calls <= 10
                if spent[-1] < 0.2:
                    break
            assert min(spent) < 0.2, spent
        finally:
            for one in taken:
                one.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await until(lambda: len(server.listener.book) == 5)
        for one in waiting:
            one.close()


def test_it_never_promises_more_connections_than_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert connection_limit(10) == 10
    assert connection_limit(10**9) < (hard if hard > 0 else 10**9)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_it_names_the_setting_of_a_busy_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = Endpoint("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(DoorError, match=r"SMTP_LISTEN=127\.0\.0\.1:\d+ .*listens there"):
            Listener([Door("imap", ANYWHERE, Echo), Door("smtp", where, Echo)])


async def test_it_shares_ports_between_processes_when_asked() -> None:
    first = Listener([smtp()], share=True)
    where = Endpoint("127.0.0.1", first.ports()["smtp"])
    second = Listener([Door("smtp", where, Echo)], share=True)
    await first.stop()
    await second.stop()
