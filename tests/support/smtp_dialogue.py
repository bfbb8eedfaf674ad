"""Talk to the real SMTP doors over loopback sockets: a client, a script runner, a running listener.

A script is lines of `C:` (sent) and `S:` (expected). `C:` lines in a row leave in one segment, as a
pipelining client sends them. An `S:` line is one whole reply: the words it must begin with.
`S: (closed)` expects the end of the connection.

Every client is on this machine. One that is to come from elsewhere comes by a balancer that says
so, at the address BALANCER:

    settings.TRUSTED_PROXIES = (BALANCER,)
    with smtp.ready(seen_as="198.51.100.7") as client: ...
"""

import asyncio
import socket
import ssl
import threading
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Self

from django.conf import settings

from apps.resolver.base import Resolver
from apps.runtime import db
from apps.runtime.listener import Listener
from apps.smtp.doors import doors
from apps.smtp.proto.limits import Limits
from mailhost.env import Endpoint
from tests.support.zones import Zones

PASSWORD = "correct horse battery"
PATIENCE = 30.0  # seconds until a test that waits in vain fails
QUICK = Limits(tarpit_seconds=0.0)  # the usual limits, without the wait that harvesters pay

BALANCER = ip_network("127.0.0.9")

LoopFactory = Callable[[], asyncio.AbstractEventLoop] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply; `lines` without code, with the enhanced code."""

    code: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.code} {self.lines[-1]}"

    def starts(self, words: str) -> bool:
        """Whether the last line begins with these words."""
        return f"{self} ".startswith(f"{words} ") or str(self).startswith(words)


class Client:
    """A blocking SMTP client that says exactly what it is told to.

    Args:
        seen_as: address that a balancer names as the client's, in place of `source`.
    """

    def __init__(
        self, port: int, *, tls: bool = False, source: str = "127.0.0.1", seen_as: str = ""
    ) -> None:
        source = str(BALANCER.network_address) if seen_as else source
        self.sock: socket.socket = socket.create_connection(
            ("127.0.0.1", port), timeout=PATIENCE, source_address=(source, 0)
        )
        if seen_as:
            self.sock.sendall(proxy_header(seen_as))
        if tls:
            self.sock = blind_context().wrap_socket(self.sock, server_hostname="localhost")
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Send octets as they are."""
        self.sock.sendall(data)

    def reply(self) -> Answer:
        """Read one whole reply."""
        code, lines = 0, []
        while True:
            line = self._line()
            assert len(line) <= 510, line
            code, more = int(line[:3]), line[3:4] == "-"
            lines.append(line[4:])
            if not more:
                return Answer(code, tuple(lines))

    def ask(self, line: str) -> Answer:
        """Send a command and read its reply."""
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def text(self, body: bytes) -> Answer:
        """Send a message's text after a 354, ended as it must be, and read the reply."""
        self.send(body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n"))
        return self.reply()

    def rest(self, *, sending: Iterable[bytes] = ()) -> list[Answer]:
        """Send what is given for as long as that works; return all replies until the end."""
        answers = []
        with suppress(OSError):
            for data in sending:
                self.send(data)
        with suppress(OSError, EOFError):
            while True:
                answers.append(self.reply())
        return answers

    def starttls(self) -> None:
        """Upgrade, trusting anybody."""
        assert self.ask("STARTTLS").code == 220
        self.sock = blind_context().wrap_socket(self.sock, server_hostname="localhost")

    def is_closed(self) -> bool:
        """Whether the server ends the connection without another word."""
        if self._read:
            return False
        try:
            return self.sock.recv(4096) == b""
        except ConnectionResetError:
            return True

    def run(self, script: str) -> None:
        """Play a script."""
        waiting: list[str] = []
        for number, raw in enumerate(script.strip().splitlines(), 1):
            side, _, words = raw.strip().partition(": ")
            if side in {"C", "C:"}:
                waiting.append(words)
                continue
            if waiting:
                self.send("".join(f"{line}\r\n" for line in waiting).encode())
                waiting.clear()
            if words == "(closed)":
                assert self.is_closed(), f"line {number}: still open"
                continue
            answer = self.reply()
            assert answer.starts(words), f"line {number}: {words!r} expected, {answer} came"
        assert not waiting, "a script ends with an answer"

    def _line(self) -> str:
        while b"\r\n" not in self._read:
            data = self.sock.recv(65_536)
            if not data:
                raise EOFError(f"closed after {self._read!r}")
            self._read += data
        line, _, self._read = self._read.partition(b"\r\n")
        return line.decode()


def proxy_header(address: str) -> bytes:
    """What a balancer puts before the octets of a client (PROXY protocol, version 1)."""
    family, here = ("TCP6", "::1") if ":" in address else ("TCP4", "127.0.0.1")
    return f"PROXY {family} {address} {here} 40000 25\r\n".encode()


def blind_context() -> ssl.SSLContext:
    """A client's context that takes any certificate: who we are is another test's question."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def base64(text: str) -> str:
    """A line of a SASL exchange."""
    return b2a_base64(text.encode(), newline=False).decode()


def plain(user: str, password: str = PASSWORD, authzid: str = "") -> str:
    """An initial response of AUTH PLAIN."""
    return base64(f"{authzid}\0{user}\0{password}")


@dataclass(slots=True)
class Running:
    """Doors that are open; the port of each by its name."""

    ports: dict[str, int] = field(default_factory=dict)
    loop: asyncio.AbstractEventLoop | None = None
    stop: asyncio.Event | None = None

    def client(self, door: str = "smtp", *, source: str = "127.0.0.1", seen_as: str = "") -> Client:
        """Connect, and read the greeting."""
        is_tls = door == "submissions"
        client = Client(self.ports[door], tls=is_tls, source=source, seen_as=seen_as)
        assert client.reply().code == 220
        return client

    def ready(self, door: str = "smtp", *, source: str = "127.0.0.1", seen_as: str = "") -> Client:
        """Connect and say hello."""
        client = self.client(door, source=source, seen_as=seen_as)
        assert client.ask("LHLO me.test" if door == "lmtp" else "EHLO me.test").code == 250
        return client

    def signed_in(self, user: str = "alice@example.test") -> Client:
        """Connect to the submission door, start TLS, sign in."""
        client = self.ready("submission")
        client.starttls()
        assert client.ask("EHLO me.test").code == 250
        assert client.ask(f"AUTH PLAIN {plain(user)}").code == 235
        return client

    def begin_stop(self) -> None:
        """Have the doors stop gracefully, as SIGTERM does."""
        assert self.loop is not None
        assert self.stop is not None
        self.loop.call_soon_threadsafe(self.stop.set)


@contextmanager
def running(
    *names: str,
    limits: Limits = QUICK,
    loop_factory: LoopFactory = None,
    grace: float = 5.0,
    resolver: Resolver | None = None,
) -> Iterator[Running]:
    """Run doors in a thread of their own; end them, and the database threads, afterwards.

    Args:
        resolver: what they ask; without one DNS_SERVERS, and if there are none, a DNS that knows
            nothing.
    """
    if resolver is None and not settings.DNS_SERVERS:
        resolver = Zones()
    found, opened = Running(), threading.Event()
    failures: list[BaseException] = []

    async def serve() -> None:
        found.loop, found.stop = asyncio.get_running_loop(), asyncio.Event()
        wanted = [door for door in doors(limits, resolver) if door.name in names]
        listener = Listener([replace(door, endpoint=Endpoint("127.0.0.1", 0)) for door in wanted])
        listener.start()
        found.ports = listener.ports()
        opened.set()
        await found.stop.wait()
        await listener.stop(grace)

    def main() -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                runner.run(serve())
        except BaseException as error:
            failures.append(error)
            opened.set()
            raise

    thread = threading.Thread(target=main, name="doors")
    thread.start()
    assert opened.wait(PATIENCE)
    if failures:
        thread.join()
        raise failures[0]
    try:
        yield found
    finally:
        with suppress(RuntimeError):  # the loop has ended already
            found.begin_stop()
        thread.join(PATIENCE)
        db.shutdown()
        assert not thread.is_alive()
