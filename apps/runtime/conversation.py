"""One client of a line protocol: the part of a connection that IMAP and POP3 share.

A `Conversation` is an asyncio Protocol with one task, which runs `serve()`: the session asks for
the next thing the client said and waits in between. It promises: octets held for a client that
sends are bounded (it is not read from while `buffered` is large), octets held for a client that
does not read are what one `drain()` allows, and such a client is dropped after `drain_time`; a
stranger has `login_time` in all; a command costs no timer. STARTTLS drops all that came in the
clear (CVE-2011-0411). What comes compressed is unpacked piece by piece, each only when the session
has used up the one before.
"""

import asyncio
import ipaddress
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from django.conf import settings

from apps.runtime import binding
from apps.runtime.deflate import CorruptError, Deflate
from apps.runtime.listener import Peer, start_tls
from apps.runtime.seldom import Seldom

logger = logging.getLogger(__name__)
_seldom = Seldom(logger)

READ_AHEAD = 64 * 1024
"""Octets of pipelined commands taken in while one runs; beyond them the socket waits."""
GATHERED = 16 * 1024
"""Octets to write that are gathered at most: a TLS record holds no more."""
IN_A_ROW = 16
"""Commands of one client carried out without a turn for the others."""
LAST_WORDS = 5.0
"""Seconds to take what was written before the end. TLS would wait half a minute for the client's
own goodbye, and hold up the end of the service."""
_TLS_HELLO = 0x16


class ShutdownError(Exception):
    """The conversation has to end: say goodbye with this text. Raised by waits for the client.

    for_now: the service ends, and will be back; else it is this client's sign-in that has ended.
    """

    def __init__(self, reason: str, *, for_now: bool) -> None:
        super().__init__(reason)
        self.for_now = for_now


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds, and octets that may wait for the client before `drain` does.

    login_time: from connect to sign-in, whatever is said meanwhile.
    idle_time: between two things a signed-in client says.
    drain_time: for reading what was written.
    """

    login_time: float = 60.0
    idle_time: float = 30 * 60.0
    drain_time: float = 60.0
    write_high: int = 256 * 1024


class Conversation(asyncio.Protocol):
    """Base of a door's protocol object; a subclass says how octets are taken and what is served.

    Args:
        tls: for STARTTLS; None where it is not to be had.
    """

    __slots__ = (
        "__weakref__",
        "_cleartext",
        "_closing",
        "_deadline",
        "_deflate",
        "_eof",
        "_for_now",
        "_in_a_row",
        "_is_first",
        "_is_handshaking",
        "_is_leaving",
        "_is_stranger",
        "_lease",
        "_loop",
        "_lost",
        "_patience",
        "_paused",
        "_task",
        "_timer",
        "_tls",
        "_transport",
        "_unread",
        "_unsent",
        "_unsent_octets",
        "_waiter",
        "address",
        "is_secure",
    )

    def __init__(self, peer: Peer, patience: Patience, tls: ssl.SSLContext | None) -> None:
        self._patience = patience
        self._lease = peer.lease
        self._tls = tls
        self._cleartext = settings.CLEARTEXT_AUTH == "loopback" and is_loopback(peer.address)
        self.address = peer.address
        self.is_secure = peer.tls
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._unread: asyncio.Future[None] | None = None
        self._deadline = self._loop.time() + patience.login_time
        self._timer: asyncio.TimerHandle | None = None
        self._is_stranger = self._is_first = True
        self._closing = ""
        self._for_now = False
        self._unsent: list[bytes] = []
        self._unsent_octets = self._in_a_row = 0
        self._lost = self._eof = self._paused = self._is_handshaking = False
        self._deflate: Deflate | None = None
        self._is_leaving = False  # compression has ended but for the last flush of the client

    # -- what a subclass says ---------------------------------------------------------------------

    async def serve(self) -> None:
        """Carry on the conversation to its end."""
        raise NotImplementedError

    def take(self, data: bytes) -> None:
        """Put octets of the client into the buffer."""
        raise NotImplementedError

    @property
    def buffered(self) -> int:
        """Octets in the buffer that belong to nothing complete yet, or wait to be asked for."""
        raise NotImplementedError

    def drop_buffer(self) -> int:
        """Empty the buffer; return how many octets it held."""
        raise NotImplementedError

    @property
    def wants_more(self) -> bool:
        """Whether to read on while the session waits; once the buffer is full, not otherwise."""
        return True

    # -- asyncio ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the conversation."""
        # A cast, for uvloop's transports are not asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._patience.write_high)
        self._timer = self._loop.call_at(self._deadline, self._tick)
        self._task = self._loop.create_task(self._run())

    def data_received(self, data: bytes) -> None:
        """Take octets; stop reading while there is more than enough to do."""
        if self._is_first:
            self._is_first = False
            if data[0] == _TLS_HELLO and not self.is_secure:
                # Nothing that we could say would be read.
                about = {"door": self._lease.door, "address": self.address}
                _seldom.info("TLS at a port that begins in the clear", self._lease.door, about)
                self.abort()
                return
        self._lease.heard()
        if not self._is_stranger:
            self._deadline = self._loop.time() + self._patience.idle_time
        if self._deflate is None:
            self.take(data)
            ahead = self.buffered
        else:
            self._deflate.take(data)
            ahead = self._deflate.held
            if self._is_leaving:
                self.decompress()
        if ahead > READ_AHEAD and self._transport and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self.wake()

    def eof_received(self) -> bool:
        """The client has said all; answer what it said, then close."""
        self._eof = True
        self.wake()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """End whatever waits for the client."""
        self._lost = True
        self._unsent.clear()
        self._lease.release()
        if self._timer is not None:
            self._timer.cancel()
        self.wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        """The client does not read as fast as we write."""
        if self._unread is None:
            self._unread = self._loop.create_future()

    def resume_writing(self) -> None:
        """It has caught up."""
        unread, self._unread = self._unread, None
        if unread is not None and not unread.done():
            unread.set_result(None)

    def shutdown(self) -> None:
        """Say goodbye as soon as no command runs, and close."""
        self._for_now = True
        self.end("Shutting down, come back in a moment")

    def end(self, reason: str) -> None:
        """As `shutdown`, for another reason; the client is told it."""
        self._closing = reason
        if self._is_handshaking and self._transport is not None:
            self._transport.abort()  # there is nobody to talk to yet
        self.wake()

    # -- for the session --------------------------------------------------------------------------

    @property
    def may_send_passwords(self) -> bool:
        """Whether a password may travel here."""
        return self.is_secure or self._cleartext

    @property
    def may_start_tls(self) -> bool:
        """Whether STARTTLS is to be had."""
        return self._tls is not None and not self.is_secure

    @property
    def bindings(self) -> Mapping[str, bytes]:
        """The channel bindings of the TLS below (`apps.runtime.binding`); empty without."""
        tls = self._tls_object
        return binding.NONE if tls is None else binding.of(tls)

    @property
    def server_name(self) -> str:
        """The name under which the client asked for us in TLS, "" if it gave none."""
        return binding.asked_name(self._tls_object)

    @property
    def _tls_object(self) -> ssl.SSLObject | None:
        if self._transport is None:
            return None
        found: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return found

    def write(self, data: bytes) -> None:
        """Queue octets; what is written to a client that has gone is dropped.

        Small pieces are gathered until the loop's turn ends: the lines of an answer, and answers to
        commands that came together, are one packet and one TLS record.
        """
        if self._lost or not data:
            return
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(data)
        self._unsent_octets += len(data)
        if self._unsent_octets >= GATHERED:
            self._send()

    def _send(self) -> None:
        """Give the transport what was gathered."""
        if not self._unsent:
            return
        gathered, self._unsent, self._unsent_octets = self._unsent, [], 0
        if self._transport is None or self._lost:
            return
        data = gathered[0] if len(gathered) == 1 else b"".join(gathered)
        if self._deflate is not None and not self._is_leaving:
            data = self._deflate.pack(data)
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has read most of it, at most `drain_time`.

        Called for each command: others are served too while one client's commands wait in a row.
        """
        self._in_a_row += 1
        if self._in_a_row > IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)
        if self._unread is not None:
            try:
                async with asyncio.timeout(self._patience.drain_time):
                    await asyncio.shield(self._unread)
            except TimeoutError:
                self.abort()
        if self._lost:
            raise ConnectionResetError

    async def wait(self) -> None:
        """Wait until the client says something or `wake()` is called.

        Call it only when the buffer has nothing complete, and look again after it.

        Raises:
            ConnectionResetError: the client is gone, or has said that it will say no more.
            ShutdownError: the conversation has to end.
            TimeoutError: the client's time is over.
        """
        if self._lost:
            raise ConnectionResetError
        if self.has_packed and self.wants_more and not self._closing:
            await self._unpack()
            return
        if self._eof:
            raise ConnectionResetError
        if self._closing:
            raise ShutdownError(self._closing, for_now=self._for_now)
        if self._loop.time() >= self._deadline:
            raise TimeoutError
        if self._paused and self.wants_more and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        self._in_a_row = 0
        self._waiter = self._loop.create_future()
        self._lease.busy = False
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._lease.busy = True

    @property
    def is_compressed(self) -> bool:
        """Whether both sides compress."""
        return self._deflate is not None and not self._is_leaving

    @property
    def has_packed(self) -> bool:
        """Whether something has come that is not unpacked yet."""
        return self._deflate is not None and not self._is_leaving and self._deflate.has_more

    def compress(self, rest: bytes) -> None:
        """From here on compress what is written and unpack what comes.

        Args:
            rest: what came already behind the command that asked for it.
        """
        self._send()
        self._deflate, self._is_leaving = Deflate(), False
        self._deflate.take(rest)

    def decompress(self) -> None:
        """Compress no more; what comes behind the client's last flush is in the clear."""
        if self._deflate is None:
            return
        self._send()
        self._is_leaving = True
        try:
            rest = self._deflate.leave()
        except CorruptError:
            self.abort()
            return
        if rest is not None:
            self._deflate, self._is_leaving = None, False
            self.take(rest)

    async def _unpack(self) -> None:
        """Take the next piece; others have their turn while a client sends many."""
        assert self._deflate is not None
        self.take(self._deflate.unpack())
        self._in_a_row += 1
        if self._in_a_row > IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)

    def wake(self) -> None:
        """End a `wait()`."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def start_tls(self) -> None:
        """Drop what came before the handshake, then do it."""
        assert self._transport is not None
        assert self._tls is not None
        self._transport.pause_reading()
        dropped = self.drop_buffer()
        if dropped:
            logger.warning("octets after STARTTLS dropped", extra={"octets": dropped})
        self._is_handshaking = True
        self._send()
        try:
            self._transport = await start_tls(self._transport, self, self._tls)
        finally:
            self._is_handshaking = False
        self._transport.set_write_buffer_limits(high=self._patience.write_high)
        self.is_secure = True
        self._paused = False

    def signed_in(self, user_id: int) -> bool:
        """Count the connection as the user's; False, changing nothing, if there are too many."""
        if not self._lease.signed_in(user_id):
            return False
        self._is_stranger = False
        self._deadline = self._loop.time() + self._patience.idle_time
        return True

    def signed_out(self) -> None:
        """The user has left and the client stays: a stranger again, with a stranger's time."""
        self._lease.signed_out()
        self._is_stranger = True
        self._deadline = self._loop.time() + self._patience.login_time
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._tick)

    def foreign(self) -> None:
        """Note that the client speaks another protocol; the session cuts it off."""
        about = {"door": self._lease.door, "address": self.address}
        _seldom.info("another protocol was spoken", self._lease.door, about)

    def abort(self) -> None:
        """Drop the connection and what is queued for it."""
        self._lost = True
        self._unsent.clear()
        if self._transport is not None:
            self._transport.abort()

    # -- inside -----------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            await self.serve()
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass  # the client's own affair
        except Exception:
            logger.exception("connection failed")
        finally:
            self._close()

    def _close(self) -> None:
        """Close when the last words are out; a client that does not read them gets no more time."""
        if self._transport is None or self._lost:
            return
        self._send()
        self._transport.close()
        if self._timer is not None:
            self._timer.cancel()
        patience = min(self._patience.drain_time, LAST_WORDS)
        self._timer = self._loop.call_later(patience, self._transport.abort)

    def _tick(self) -> None:
        """One timer per connection, set anew only when it rings."""
        now = self._loop.time()
        if now >= self._deadline:
            self.wake()
            # A stranger's command may be running (a hash): look again soon.
            self._timer = self._loop.call_at(now + 1.0, self._tick)
        else:
            self._timer = self._loop.call_at(self._deadline, self._tick)


def is_loopback(address: str) -> bool:
    """Whether a client is on this machine."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
