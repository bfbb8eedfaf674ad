"""TLS for connections that live long: the server's side, on top of a plain transport.

To its protocol a `TlsTransport` is a transport as any other. It stands in for the TLS of the event
loops, which costs an idle connection 45 KB with uvloop and 260 KB with asyncio, and more once much
has gone through it: a read buffer of 256 KiB each, and OpenSSL's memory BIOs, which stay as large
as the largest piece that was ever put into them. Here all goes through in pieces of a record, and
an idle connection costs 18 KB. What else differs:

- a handshake that fails is told to the client: its alert is sent before the end;
- `close` waits for what is queued to be sent, then `LINGER` seconds for the client's own goodbye:
  a socket closed with something unread in it is reset, and the reset may overtake our last words;
- after STARTTLS nothing reaches the protocol before whoever awaits the handshake has run on: what
  comes with the last octets of it must not be answered on the transport that was there before.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, Final, cast

PIECE: Final = 16 * 1024
"""Octets put into OpenSSL at once: about a record, the most that it can work on."""
LINGER: Final = 5.0
TLS_RECORD: Final = 0x16
"""The first octet of a handshake, RFC 8446 section 5.1."""
NO_TLS: Final = "the client did not speak TLS"

_GONE: Final = "closed before TLS was agreed on"


class _Phase(IntEnum):
    """In this order, some left out."""

    HANDSHAKE = 0
    AGREED = 1  # who awaits that is about to run on
    OPEN = 2
    CLOSING = 3
    CLOSED = 4


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """A transport to the protocol above it, and the protocol of the plain transport below.

    Args:
        protocol: who gets what the client says.
        knows: whether it has been told of the connection already (STARTTLS); it is told otherwise
            when TLS has been agreed on, and never if that fails.
        refusal: what a client is told, in the clear, that does not begin with TLS.
    """

    __slots__ = (
        "_agreed",
        "_error",
        "_has_hung_up",
        "_held",
        "_incoming",
        "_inner",
        "_is_reading",
        "_knows",
        "_loop",
        "_outgoing",
        "_phase",
        "_protocol",
        "_refusal",
        "_timer",
        "_tls",
        "_unsent",
    )

    def __init__(
        self,
        protocol: asyncio.Protocol,
        context: ssl.SSLContext,
        *,
        knows: bool,
        refusal: bytes = b"",
    ) -> None:
        self._protocol = protocol
        self._refusal = refusal
        self._knows = knows
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._loop = asyncio.get_running_loop()
        self._inner: asyncio.Transport | None = None
        self._agreed: asyncio.Future[None] | None = self._loop.create_future()
        self._phase = _Phase.HANDSHAKE
        self._is_reading = True
        self._has_hung_up = False
        self._held: list[bytes] = []  # came before we were open
        self._error: ConnectionError | None = None  # why there was no handshake
        self._timer: asyncio.TimerHandle | None = None
        self._unsent = 0

    async def handshake(self, seconds: float) -> None:
        """Wait until TLS is agreed on. Call it once, when the plain transport is there.

        Raises:
            ConnectionError: it is not, and the connection is closed.
            TimeoutError: it is not, and the connection is about to be closed.
        """
        assert self._agreed is not None
        try:
            async with asyncio.timeout(seconds):
                await self._agreed
        except (TimeoutError, asyncio.CancelledError):
            self.abort()
            raise
        finally:
            self._agreed = None

    # -- to the plain transport, a protocol -------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The plain transport is there."""
        self._inner = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Decrypt."""
        if self._phase is _Phase.HANDSHAKE:
            self._shake_hands(data)
        elif self._phase is _Phase.AGREED:
            self._held.append(data)
        elif self._phase is _Phase.OPEN:
            self._take(data)

    def eof_received(self) -> bool:
        """The client will say no more. False: the plain transport closes by itself."""
        if self._phase is not _Phase.OPEN:
            return False
        self._has_hung_up = True
        if self._protocol.eof_received():
            return True
        self._phase = _Phase.CLOSING
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever is waited for will not come."""
        self._phase = _Phase.CLOSED
        if self._timer is not None:
            self._timer.cancel()
        if self._agreed is not None and not self._agreed.done():
            self._agreed.set_exception(self._error or ConnectionResetError(_GONE))
        if self._knows:
            self._knows = False
            self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        """What waits for the client waits below: its transport knows how much."""
        if self._knows:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """It has been sent."""
        if self._knows:
            self._protocol.resume_writing()

    # -- to the protocol above, a transport -------------------------------------------------------

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As asyncio's TLS: ssl_object, sslcontext, cipher; the rest is the plain transport's."""
        match name:
            case "ssl_object":
                return self._tls
            case "sslcontext":
                return self._tls.context
            case "cipher":
                return self._tls.cipher()
            case _:
                return self._inner.get_extra_info(name, default) if self._inner else default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Another protocol from now on."""
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol above."""
        return self._protocol

    def is_closing(self) -> bool:
        """Whether `close` or `abort` was called, or the client has gone."""
        return self._phase >= _Phase.CLOSING or self._inner is None or self._inner.is_closing()

    def is_reading(self) -> bool:
        """Whether the client is read from."""
        return self._is_reading and not self.is_closing()

    def pause_reading(self) -> None:
        """Leave what comes in the kernel's buffers."""
        self._is_reading = False
        if self._phase is _Phase.OPEN and self._inner is not None:
            self._inner.pause_reading()

    def resume_reading(self) -> None:
        """Go on."""
        self._is_reading = True
        if self._phase is _Phase.OPEN and self._inner is not None:
            self._inner.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Of encrypted octets."""
        if self._inner is not None:
            self._inner.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """Encrypted octets that wait for the client."""
        return 0 if self._inner is None else self._inner.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """(low, high)."""
        return (0, 0) if self._inner is None else self._inner.get_write_buffer_limits()

    def can_write_eof(self) -> bool:
        """No: the end of one direction is the end of both."""
        return False

    def write_eof(self) -> None:
        """See `can_write_eof`."""
        raise NotImplementedError

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send; dropped when the connection is closing."""
        if self._phase is not _Phase.OPEN or self._inner is None or not data:
            return
        try:
            if len(data) <= PIECE:
                self._tls.write(data)
                self._inner.write(self._outgoing.read())
            else:
                self._inner.writelines(self._encrypted(memoryview(data)))
        except ssl.SSLError as error:
            self._fail(error)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """As one."""
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """Send what is queued and a goodbye; then wait a little for the client's."""
        if self._phase >= _Phase.CLOSING:
            return
        if self._phase is not _Phase.OPEN:
            self.abort()
            return
        with contextlib.suppress(ssl.SSLError):  # it wants to hear the client's: ours is written
            self._tls.unwrap()
        self._leave()

    def abort(self) -> None:
        """Drop the connection and what is queued for it."""
        self._phase = _Phase.CLOSED
        if self._inner is not None:
            self._inner.abort()

    # -- inside -----------------------------------------------------------------------------------

    def _shake_hands(self, data: bytes) -> None:
        assert self._inner is not None
        if self._refusal and data[0] != TLS_RECORD:
            self._error = ConnectionAbortedError(NO_TLS)
            self._inner.write(self._refusal)
            self._leave()
            return
        self._refusal = b""  # it is TLS
        for start in range(0, len(data), PIECE):
            self._incoming.write(memoryview(data)[start : start + PIECE])
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                self._error = ConnectionAbortedError(f"no TLS: {error.reason}")
                self._leave()  # with the alert
                return
            self._held.append(data[start + PIECE :])
            self._agree()
            return
        self._send_pending()

    def _agree(self) -> None:
        assert self._inner is not None
        self._send_pending()
        self._phase = _Phase.AGREED
        if self._agreed is not None and not self._agreed.done():
            self._agreed.set_result(None)
        if self._knows:
            # After who awaits it has run on, and so has taken this transport for the plain one.
            self._inner.pause_reading()
            self._loop.call_soon(self._open)
        else:
            self._open()

    def _open(self) -> None:
        """Begin to be a transport."""
        if self._phase is not _Phase.AGREED or self._inner is None:
            return
        self._phase = _Phase.OPEN
        if not self._knows:
            self._knows = True
            self._protocol.connection_made(self)
        held, self._held = b"".join(self._held), []
        if self._is_reading and not self._inner.is_closing():
            self._inner.resume_reading()
        self._take(held)

    def _take(self, data: bytes) -> None:
        """Decrypt all of `data`, then hand it on."""
        plain: list[bytes] = []
        is_over = False
        try:
            for start in range(0, len(data) or 1, PIECE):
                self._incoming.write(memoryview(data)[start : start + PIECE])
                is_over = self._has_hung_up = self._decrypt(plain)
                if is_over:
                    break
        except ssl.SSLError as error:
            self._fail(error)
            return
        self._send_pending()  # session tickets asked for, new keys
        if plain:
            self._protocol.data_received(plain[0] if len(plain) == 1 else b"".join(plain))
        if is_over and self._phase is _Phase.OPEN and not self._protocol.eof_received():
            self.close()

    def _decrypt(self, plain: list[bytes]) -> bool:
        """Add what OpenSSL can decrypt now; return whether the client has said goodbye."""
        try:
            while piece := self._tls.read(PIECE):
                plain.append(piece)
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLZeroReturnError:
            pass
        return True

    def _encrypted(self, data: memoryview) -> list[bytes]:
        pieces = []
        for start in range(0, len(data), PIECE):
            self._tls.write(data[start : start + PIECE])
            pieces.append(self._outgoing.read())
        return pieces

    def _send_pending(self) -> None:
        if self._outgoing.pending and self._inner is not None:
            self._inner.write(self._outgoing.read())

    def _fail(self, error: ssl.SSLError) -> None:
        """What came is no TLS any more."""
        self._send_pending()  # the alert
        if self._inner is not None:
            self._phase = _Phase.CLOSING
            self._inner.close()

    def _leave(self) -> None:
        """Say what is left to say, and wait for the client to hang up."""
        assert self._inner is not None
        self._phase = _Phase.CLOSING
        self._send_pending()
        if self._has_hung_up or self._inner.is_closing():
            self._inner.close()
            return
        try:
            self._inner.write_eof()
        except OSError:  # it has reset the connection just now
            self.abort()
            return
        if not self._is_reading:
            self._inner.resume_reading()  # to hear it hang up
        self._unsent = self._inner.get_write_buffer_size()
        self._timer = self._loop.call_later(LINGER, self._linger)

    def _linger(self) -> None:
        """Close, unless the client still reads."""
        if self._phase is _Phase.CLOSED or self._inner is None:
            return
        unsent, self._unsent = self._unsent, self._inner.get_write_buffer_size()
        if 0 < self._unsent < unsent:
            self._timer = self._loop.call_later(LINGER, self._linger)
        else:
            self.abort()


async def accept(
    sock: socket.socket,
    protocol: asyncio.Protocol,
    context: ssl.SSLContext,
    seconds: float,
    refusal: bytes = b"",
) -> None:
    """Agree on TLS with the client of an accepted socket; then `protocol` has the connection.

    Args:
        refusal: see `TlsTransport`.

    Raises:
        OSError, TimeoutError: there is no TLS; `protocol` was told nothing, and the connection is
            closed, or about to be.
    """
    made = TlsTransport(protocol, context, knows=False, refusal=refusal)
    await asyncio.get_running_loop().connect_accepted_socket(lambda: made, sock)
    await made.handshake(seconds)


async def upgrade(
    transport: asyncio.Transport,
    protocol: asyncio.Protocol,
    context: ssl.SSLContext,
    seconds: float,
) -> asyncio.Transport:
    """Begin TLS on an open connection; returns the transport to write to from now on.

    Raises:
        OSError, TimeoutError: there is no TLS, and the connection is closed: `protocol` has been
            told so by `connection_lost`, or is about to be.
    """
    made = TlsTransport(protocol, context, knows=True)
    made.connection_made(transport)
    transport.set_protocol(made)
    transport.resume_reading()
    await made.handshake(seconds)
    return made
