"""IMAP on a stream: the only module here that sees a transport.

One `Connection` (an asyncio Protocol) and one task per client. It promises: octets held for a
client that sends are bounded by the command buffer, for a client that does not read by one page of
FETCH; such a client is dropped after `drain_time`; a stranger after `login_time`; nobody waits for
anybody else. STARTTLS drops all that came in the clear (CVE-2011-0411).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import cast

from apps.imap.context import ShutdownError, Woken
from apps.imap.limits import Limits, command_limits
from apps.imap.mirrors import Mirrors
from apps.imap.session import Session
from apps.runtime.listener import Peer, start_tls
from apps.wire.lines import CommandBuffer, Event, NeedContinuation

logger = logging.getLogger(__name__)

READ_AHEAD = 64 * 1024
"""Octets of pipelined commands taken in while one runs; beyond them the socket waits."""
_TLS_HELLO = 0x16


class Connection(asyncio.Protocol):
    """One client: the `Channel` of its session, and a door's protocol object.

    Args:
        tls: for STARTTLS; None where TLS is in place or not to be had.
        cleartext: passwords may come without TLS from this client.
    """

    def __init__(
        self,
        peer: Peer,
        mirrors: Mirrors,
        limits: Limits,
        *,
        tls: ssl.SSLContext | None,
        cleartext: bool,
    ) -> None:
        self._mirrors = mirrors
        self._limits = limits
        self._lease = peer.lease
        self._tls = tls
        self._cleartext = cleartext
        self.address = peer.address
        self.is_secure = peer.tls
        self._buffer = CommandBuffer(command_limits(limits, signed_in=False))
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._unread: asyncio.Future[None] | None = None
        self._deadline = self._loop.time() + limits.login_time
        self._timer: asyncio.TimerHandle | None = None
        self._is_stranger = True
        self._lost = self._eof = self._closing = self._poked = self._paused = False
        self._is_first = True

    # -- asyncio ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the session."""
        # A cast, for uvloop's transports are not asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._limits.write_high)
        self._timer = self._loop.call_at(self._deadline, self._tick)
        self._task = self._loop.create_task(self._run())

    def data_received(self, data: bytes) -> None:
        """Take octets; stop reading while the session has more than enough to do."""
        if self._is_first:
            self._is_first = False
            if data[0] == _TLS_HELLO:  # TLS on the plain port: nothing we could say would be read
                self._abort()
                return
        self._lease.heard()
        if not self._is_stranger:
            self._deadline = self._loop.time() + self._limits.idle_time
        self._buffer.feed(data)
        if self._buffer.buffered > READ_AHEAD and self._transport and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The client has said all; answer what it said (TLS cannot stay half open)."""
        self._eof = True
        self._wake()
        return not self.is_secure

    def connection_lost(self, exc: Exception | None) -> None:
        """End whatever waits for the client."""
        self._lost = True
        self._lease.release()
        if self._timer is not None:
            self._timer.cancel()
        self._wake()
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
        """Say BYE as soon as no command runs, and close."""
        self._closing = True
        self._wake()

    # -- the channel ------------------------------------------------------------------------------

    @property
    def may_send_passwords(self) -> bool:
        """Whether a password may travel here."""
        return self.is_secure or self._cleartext

    def write(self, data: bytes) -> None:
        """Queue octets; what is written to a client that has gone is dropped."""
        if self._transport is not None and not self._lost:
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has read most of it, at most `drain_time`."""
        if self._unread is not None:
            try:
                async with asyncio.timeout(self._limits.drain_time):
                    await asyncio.shield(self._unread)
            except TimeoutError:
                self._abort()
        if self._lost:
            raise ConnectionResetError

    async def next_event(self) -> Event:
        """Return the next event, asking for synchronising literals on the way."""
        while (event := await self._event()) is None:
            await self._wait()
        return event

    async def event_or_poke(self) -> Event | Woken:
        """As `next_event`, but also ended by a poke or the keep-alive time."""
        silence_ends = self._loop.time() + self._limits.idle_keepalive
        keepalive = self._loop.call_at(silence_ends, self._wake)
        try:
            while (event := await self._event()) is None:
                if self._poked:
                    return Woken.NEWS
                if self._loop.time() >= silence_ends:
                    return Woken.SILENCE
                await self._wait()
            return event
        finally:
            self._poked = False
            keepalive.cancel()

    def poke(self) -> None:
        """End the wait of `event_or_poke`."""
        self._poked = True
        self._wake()

    @property
    def may_start_tls(self) -> bool:
        """Whether STARTTLS is to be had."""
        return self._tls is not None and not self.is_secure

    async def start_tls(self) -> None:
        """Drop what came before the handshake, then do it."""
        assert self._transport is not None
        assert self._tls is not None
        self._transport.pause_reading()
        dropped = self._buffer.clear()
        if dropped:
            logger.warning("octets after STARTTLS dropped", extra={"octets": dropped})
        self._transport = await start_tls(self._transport, self, self._tls)
        self._transport.set_write_buffer_limits(high=self._limits.write_high)
        self.is_secure = True
        self._paused = False

    def signed_in(self, user_id: int) -> bool:
        """Count the connection as the user's."""
        return self._lease.signed_in(user_id)

    def new_limits(self, *, signed_in: bool) -> None:
        """From the next command on these limits hold."""
        self._buffer.limits = command_limits(self._limits, signed_in=signed_in)
        self._is_stranger = not signed_in
        self._deadline = self._loop.time() + self._limits.idle_time

    # -- inside -----------------------------------------------------------------------------------

    async def _run(self) -> None:
        session = Session(self, self._mirrors, self._limits)
        try:
            await session.run()
        except ConnectionError:
            pass
        except Exception:
            logger.exception("connection failed")
        finally:
            self._close()

    def _close(self) -> None:
        """Close when the last words are out; a client that does not read them gets no more time."""
        if self._transport is None or self._lost:
            return
        self._transport.close()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._limits.drain_time, self._transport.abort)

    async def _event(self) -> Event | None:
        """Return what the buffer has; say why there will be nothing more, if so."""
        while isinstance(event := self._buffer.next_event(), NeedContinuation):
            self.write(b"+ Ready for the literal\r\n")
            self._buffer.accept_literal()
        if event is not None:
            return event
        if self._lost or self._eof:
            raise ConnectionResetError
        if self._closing:
            raise ShutdownError
        if self._loop.time() >= self._deadline:
            raise TimeoutError
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return None

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _tick(self) -> None:
        """One timer per connection, set anew only when it rings: a command costs none."""
        now = self._loop.time()
        if now >= self._deadline:
            self._wake()
            # A stranger's command may be running (a hash): look again soon.
            self._timer = self._loop.call_at(now + 1.0, self._tick)
        else:
            self._timer = self._loop.call_at(self._deadline, self._tick)

    def _abort(self) -> None:
        """Drop the connection and what is queued for it."""
        self._lost = True
        if self._transport is not None:
            self._transport.abort()
