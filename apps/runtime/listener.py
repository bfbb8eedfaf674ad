"""Sockets for every mail door: accepting, admission, PROXY headers, implicit TLS, and the end.

A door's protocol object only ever meets connections that were admitted, with the client's true
address, and over TLS where the door says so. This module owns the accept loop, because the ones in
event loops either close connections when descriptors run out or report it a thousand times a
second.
"""

import asyncio
import contextlib
import errno
import ipaddress
import logging
import resource
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from django.conf import settings

from apps.runtime import proxy, sockets, tls, tlsstream
from apps.runtime.connections import Connections, Lease
from apps.runtime.seldom import Seldom
from apps.runtime.sockets import DoorError, Endpoint
from apps.runtime.tls import Certificates
from apps.runtime.tlsstream import TLS_RECORD

__all__ = ["Door", "DoorError", "DoorProtocol", "Listener", "Peer", "serve", "start_tls"]

logger = logging.getLogger(__name__)
_seldom = Seldom(logger)

GRACE = 25.0  # seconds that connections get to finish what they do after `shutdown`
HANDSHAKE = 20.0  # seconds for TLS to be agreed on
_BATCH = 64  # connections taken at one turn of the loop, so that the open ones are served too
_BACK_OFF = 0.25  # seconds without accepting after descriptors or memory ran out
_PROXY_FIRST = 1.0  # seconds for a trusted proxy to begin its header, before it speaks for itself
_PROXY_WHOLE = 5.0  # seconds for the whole header
_LATE = 0.1  # seconds that nobody is late who is only busy
_PEEK_PAUSE = 0.01  # seconds between looks at a header that comes in pieces
_EVICTED = 5.0  # seconds that a connection gets to say goodbye when it has to make room
_RESERVED_FILES = 400  # descriptors that DNS, databases, blobs, events and logs may need
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class DoorProtocol(Protocol):
    """What a door's protocol object has beside the methods of `asyncio.Protocol`.

    Its `connection_lost` must call `peer.lease.release()`: the connection is open until then. It
    calls `peer.lease.heard()` for each command, and `signed_in` once it is.
    """

    def shutdown(self) -> None:
        """Finish the command that runs, say goodbye (421, * BYE), and close. Called at most once.

        Called when the process stops, and when an idle connection must make room for another.
        """


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of one admitted connection."""

    address: str
    port: int
    local_address: str
    local_port: int
    door: str
    lease: Lease
    tls: bool  # implicit TLS is in place; STARTTLS is the protocol's own affair


Factory = Callable[[Peer], DoorProtocol]


@dataclass(frozen=True, slots=True)
class Door:
    """One port and what is spoken behind it.

    Args:
        name: the setting NAME_LISTEN in lower case: smtp, submission, imaps, …
        endpoint: where it listens.
        protocol_factory: makes the protocol object (an asyncio.Protocol that is a DoorProtocol).
        implicit_tls: TLS from the first octet; STARTTLS is the protocol's affair (`start_tls`).
        alpn: the protocol's ALPN names; with none, clients must not offer any.
        plain_too: with `implicit_tls`, serve clients too that do not begin with TLS; `Peer.tls` is
            false for them. For the web door, which sends them to https.
        afterwards: awaited once when the listener has stopped, however many doors name it.
        refusal: line that a client is told when there is no place for it; nothing over TLS.
        no_tls: with `implicit_tls`, line that a client is told, in the clear, that does not begin
            with TLS; without it, such a client gets TLS's own alert.
        proxy_protocol: read a PROXY header when the client is one of TRUSTED_PROXIES.
    """

    name: str
    endpoint: Endpoint
    protocol_factory: Factory
    implicit_tls: bool = False
    alpn: tuple[str, ...] = ()
    plain_too: bool = False
    refusal: bytes = b""
    no_tls: bytes = b""
    proxy_protocol: bool = True
    afterwards: Callable[[], Awaitable[None]] | None = None


@dataclass(slots=True)
class _Connection:
    """An accepted socket and, once there is one, its protocol."""

    sock: socket.socket
    door: Door
    protocol: DoorProtocol | None = None
    connected: bool = False
    closing: bool = False


class Listener:
    """The doors of this process. Made and used on one event loop.

    Args:
        doors: what to open.
        inherited: sockets that are open already, by door; the others are opened here.
        share: SO_REUSEPORT on those.
        certificates: for implicit TLS; the installation's own when left out.

    Raises:
        DoorError: a door cannot be opened; none is then.
    """

    def __init__(
        self,
        doors: Sequence[Door],
        *,
        inherited: Mapping[str, list[socket.socket]] | None = None,
        share: bool = False,
        certificates: Certificates | None = None,
    ) -> None:
        self._doors = tuple(doors)
        self._certificates = certificates
        self._loop = asyncio.get_running_loop()
        self._sockets: list[tuple[Door, socket.socket]] = []
        self._connections: dict[Lease, _Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._released = asyncio.Event()
        self._stopping = False
        self.book = Connections(
            settings.CONNECTIONS_PER_ADDRESS,
            connection_limit(settings.CONNECTIONS_TOTAL),
            settings.CONNECTIONS_PER_USER,
            on_release=self._on_release,
        )
        try:
            for door in doors:
                ready = (inherited or {}).get(door.name)
                for one in ready or sockets.listen(door.name, door.endpoint, share=share):
                    self._sockets.append((door, one))
        except DoorError:
            self._close_sockets()
            raise

    def start(self) -> None:
        """Begin to accept."""
        for door, listening in self._sockets:
            self._loop.add_reader(listening, self._accept, door, listening)

    def ports(self) -> dict[str, int]:
        """The port of each door, for doors that were opened on port 0."""
        return {door.name: one.getsockname()[1] for door, one in self._sockets}

    async def stop(self, grace: float = GRACE) -> None:
        """Close the doors, let connections finish for up to `grace` seconds, then cut them."""
        self._stopping = True
        self._close_sockets()
        for connection in list(self._connections.values()):
            self._say_goodbye(connection)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_released(), grace)
        if self._connections:
            logger.warning("connections were cut", extra={"count": len(self._connections)})
        for connection in list(self._connections.values()):
            _cut(connection.sock)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_released(), 1.0)
        for afterwards in dict.fromkeys(door.afterwards for door in self._doors):
            if afterwards is not None:
                await afterwards()

    async def _all_released(self) -> None:
        while self._connections:
            self._released.clear()
            await self._released.wait()

    def _close_sockets(self) -> None:
        for _, listening in self._sockets:
            self._loop.remove_reader(listening)
            listening.close()
        self._sockets = []

    def _accept(self, door: Door, listening: socket.socket) -> None:
        """Called by the loop while connections wait."""
        for _ in range(_BATCH):
            try:
                sock, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    logger.warning("cannot accept", extra={"door": door.name, "detail": str(error)})
                self._rest(door, listening)
                return
            self._accepted(door, sock, address)

    def _rest(self, door: Door, listening: socket.socket) -> None:
        """Leave this door's callers waiting in the kernel's line for a moment.

        Without descriptors the socket stays readable for ever: asking again at once would spin.
        """
        logger.warning("no descriptors left, callers wait", extra={"door": door.name})
        self._loop.remove_reader(listening)

        def again() -> None:
            if not self._stopping:
                self._loop.add_reader(listening, self._accept, door, listening)

        self._loop.call_later(_BACK_OFF, again)

    def _accepted(self, door: Door, sock: socket.socket, address: tuple[str, int]) -> None:
        sock.setblocking(False)
        _tune(sock)
        client = _plain(str(address[0])), int(address[1])
        if door.proxy_protocol and _is_proxy(client[0]):
            self._spawn(self._introduced(door, sock, client))
        else:
            self._admit(door, sock, client)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _introduced(self, door: Door, sock: socket.socket, client: tuple[str, int]) -> None:
        """Read the PROXY header, if there is one, and admit whom it names."""
        try:
            header = await _proxy_header(self._loop, sock)
        except (OSError, proxy.ProxyHeaderError, TimeoutError) as error:
            logger.info("bad PROXY header", extra={"address": client[0], "detail": str(error)})
            sock.close()
            return
        except asyncio.CancelledError:
            sock.close()
            raise
        if header is not None and header.address is not None:
            client = header.address, header.port
        self._admit(door, sock, client)

    def _admit(self, door: Door, sock: socket.socket, client: tuple[str, int]) -> None:
        lease = None if self._stopping else self.book.admit(client[0], door.name)
        if lease is None:
            _refuse(sock, b"" if door.implicit_tls else door.refusal)
            return
        connection = self._connections[lease] = _Connection(sock, door)
        lease.closes_with(lambda: self._evict(connection))
        self._spawn(self._connect(connection, lease, client))

    async def _connect(
        self, connection: _Connection, lease: Lease, client: tuple[str, int]
    ) -> None:
        """Put the protocol on the socket; over TLS, first agree on that."""
        door, sock = connection.door, connection.sock
        try:
            context = await self._context(door, sock)
            local = sock.getsockname()
            here = _plain(str(local[0])), int(local[1])
            protocol = door.protocol_factory(
                Peer(*client, *here, door.name, lease, context is not None)
            )
            connection.protocol = protocol
            served = cast(asyncio.Protocol, protocol)
            if context is None:
                await self._loop.connect_accepted_socket(lambda: served, sock)
            else:
                await tlsstream.accept(sock, served, context, HANDSHAKE, door.no_tls)
            connection.connected = True
        except (OSError, TimeoutError) as error:
            # Scanners, clients that do not trust us, and those that hang up: the peer's affair.
            about = {"door": door.name, "address": lease.address, "detail": str(error)}
            _seldom.info("the client did not get through", door.name, about)
            self._give_up(connection, lease)
        except BaseException:
            self._give_up(connection, lease)
            raise

    def _give_up(self, connection: _Connection, lease: Lease) -> None:
        lease.release()
        _cut(connection.sock)
        if connection.protocol is None:
            connection.sock.close()  # with a protocol, it is the transport's to close

    async def _context(self, door: Door, sock: socket.socket) -> ssl.SSLContext | None:
        """The TLS settings for this connection; None for one in the clear."""
        if not door.implicit_tls:
            return None
        if door.plain_too:
            async with asyncio.timeout(HANDSHAKE):
                await _readable(self._loop, sock)
            if sock.recv(1, socket.MSG_PEEK) != bytes([TLS_RECORD]):
                return None
        return (self._certificates or tls.certificates()).server_context(*door.alpn)

    def _on_release(self, lease: Lease) -> None:
        self._connections.pop(lease, None)
        self._released.set()

    def _evict(self, connection: _Connection) -> None:
        self._say_goodbye(connection)
        # It is off the book already; a peer that does not read must not keep the socket for ever.
        self._loop.call_later(_EVICTED, _cut, connection.sock)

    def _say_goodbye(self, connection: _Connection) -> None:
        if connection.closing:
            return
        connection.closing = True
        if connection.connected and connection.protocol is not None:
            connection.protocol.shutdown()
        else:
            _cut(connection.sock)  # in the middle of a TLS handshake: there is nobody to talk to


async def serve(
    doors: Sequence[Door],
    stop: asyncio.Event,
    *,
    inherited: Mapping[str, list[socket.socket]] | None = None,
    share: bool = False,
    ready: Callable[[Listener], None] | None = None,
) -> None:
    """Serve `doors` until `stop` is set, then end gracefully; reload certificates meanwhile.

    Raises:
        DoorError: a door cannot be opened.
        CertificateError: the certificate cannot be used.
    """
    listener = Listener(doors, inherited=inherited, share=share)
    watcher = asyncio.create_task(tls.certificates().watch())
    listener.start()
    if ready is not None:
        ready(listener)
    try:
        await stop.wait()
    finally:
        watcher.cancel()
        await listener.stop()


async def start_tls(
    transport: asyncio.Transport, protocol: asyncio.Protocol, context: ssl.SSLContext
) -> asyncio.Transport:
    """Begin TLS on an open connection (STARTTLS); returns the transport to write to from now on.

    The caller has sent its go-ahead, and has thrown away whatever it had read after the command:
    those octets came in the clear (RFC 3207 section 4.2). It awaits this call directly, and nothing
    reaches `protocol` before it has the new transport.

    Raises:
        OSError, TimeoutError: no TLS was agreed on, and the connection is closed: `protocol` has
            been told so by `connection_lost`, or is about to be.
    """
    if transport.is_closing():  # uvloop would raise RuntimeError
        raise ConnectionResetError("closed before TLS began")
    return await tlsstream.upgrade(transport, protocol, context, HANDSHAKE)


def connection_limit(wanted: int) -> int:
    """How many connections this process can hold: `wanted`, or what its descriptors allow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, soft - _RESERVED_FILES))


async def _proxy_header(
    loop: asyncio.AbstractEventLoop, sock: socket.socket
) -> proxy.ProxyHeader | None:
    """Take the PROXY header off the socket; None when the proxy speaks for itself.

    Octets are only looked at until they are known to be a header, so that what follows it, or a
    first word of the proxy itself, is still there for the door.

    Raises:
        ProxyHeaderError, TimeoutError, OSError: there is no sense in this connection.
    """
    deadline = loop.time() + _PROXY_FIRST
    seen = 0
    while True:
        raw = await _peeked(loop, sock, deadline)
        if raw is None:
            return None
        if not raw:
            raise ConnectionResetError("closed before its first octet")
        if not proxy.might_begin(raw):
            return None
        header = proxy.parse(raw)
        if header is not None:
            sock.recv(header.length)
            return header
        if not seen:
            deadline = loop.time() + _PROXY_WHOLE
        if len(raw) == seen:
            await asyncio.sleep(_PEEK_PAUSE)  # readable it stays: what was looked at is still there
        seen = len(raw)
        if loop.time() > deadline:
            raise TimeoutError("the header does not end")


async def _peeked(
    loop: asyncio.AbstractEventLoop, sock: socket.socket, deadline: float
) -> bytes | None:
    """What lies on the socket as soon as something does, b"" at its end; None if nothing came.

    A machine that stood still did not see what came in time, and would take a stranger for the
    proxy: where the time is over it is looked once more, and longer if it was over long ago.
    """
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await _readable(loop, sock)
        with contextlib.suppress(BlockingIOError):
            return sock.recv(proxy.LONGEST, socket.MSG_PEEK)
        late = loop.time() - deadline
        if 0 <= late < _LATE:
            return None
        if late > 0:  # who is to speak may have stood still as well
            deadline = loop.time() + _PROXY_FIRST


async def _readable(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    waiter: asyncio.Future[None] = loop.create_future()

    def readable() -> None:
        if not waiter.done():
            waiter.set_result(None)

    loop.add_reader(sock, readable)
    try:
        await waiter
    finally:
        loop.remove_reader(sock)


def _tune(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # already gone
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def _refuse(sock: socket.socket, words: bytes) -> None:
    with contextlib.suppress(OSError):
        if words:
            sock.send(words)
        sock.shutdown(socket.SHUT_WR)
    sock.close()


def _cut(sock: socket.socket) -> None:
    """End a connection whatever its transport is doing: the loop sees both directions closed."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _is_proxy(address: str) -> bool:
    if not settings.TRUSTED_PROXIES:
        return False
    return any(ipaddress.ip_address(address) in network for network in settings.TRUSTED_PROXIES)


def _plain(address: str) -> str:
    """An IPv4 client of a socket for both families looks like ::ffff:192.0.2.1."""
    return address.removeprefix("::ffff:") if "." in address else address.partition("%")[0]
