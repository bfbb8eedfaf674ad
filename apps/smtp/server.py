"""SMTP on sockets: one `asyncio.Protocol` and one task per connection. No rules here.

Promises: replies to one pipelined batch leave in one write; a client that sends faster than it is
served, or reads slower than it is answered, is made to wait; every wait has a deadline; a client
that drops cancels nothing that was begun; on `shutdown()` idle clients get 421, and a message that
is on its way is finished or not acknowledged.

Deadlines are looked at once a second by one timer per door, in place of a timer per command.
"""

import asyncio
import contextlib
import fcntl
import logging
import ssl
import struct
import termios
from typing import Any, cast

from apps.runtime import binding
from apps.runtime.listener import Peer, start_tls
from apps.smtp.envelope import SmtpSession
from apps.smtp.hooks import Hooks
from apps.smtp.proto.receiver import Event, Fault, Receiver
from apps.smtp.rules import Rules
from apps.smtp.session import Conversation, Next
from apps.wire.replies import Reply

logger = logging.getLogger(__name__)

FULL = Reply(421, "4.7.0", "Too many connections, try again later").encode()
NO_TLS = Reply(554, "5.7.0", "This port speaks TLS only").encode()
_TIMEOUT = Reply(421, "4.4.2", "Timeout, closing").encode()
_STOPPING = Reply(421, "4.3.2", "Closing, try again later").encode()
_NEVER = float("inf")
_TICK = 1.0
# How long we listen on after our last word: closing a socket that has unread octets resets it, and
# the reset may overtake that word.
_LINGER_SECONDS = 2.0


class Service:
    """One door: makes a protocol per connection, and watches them all.

    Args:
        handler: aiosmtpd's handler, see `apps.smtp.hooks`.
        tls: the context for STARTTLS; None where TLS is implicit or there is none.
    """

    def __init__(self, rules: Rules, handler: object, *, tls: ssl.SSLContext | None = None) -> None:
        self.rules = rules
        self.hooks = Hooks(handler)
        self.tls = tls
        self.open: set[SmtpProtocol] = set()
        self.text_held = 0  # octets of message text in memory, all connections together
        self._watch: asyncio.TimerHandle | None = None

    def protocol(self, peer: Peer) -> "SmtpProtocol":
        """Return the protocol of a connection that the listener admitted."""
        return SmtpProtocol(self, peer)

    def factory(self) -> "SmtpProtocol":
        """The same for aiosmtpd's `Controller`, which admits everybody and asks nothing."""
        return SmtpProtocol(self, None)

    @property
    def is_stressed(self) -> bool:
        """Whether so many are here that patience has to be short."""
        return len(self.open) > self.rules.limits.stress_connections

    def joined(self, protocol: "SmtpProtocol") -> None:
        """A connection was made."""
        self.open.add(protocol)
        if self._watch is None:
            self._tick()

    def left(self, protocol: "SmtpProtocol") -> None:
        """A connection is gone."""
        self.open.discard(protocol)

    def _tick(self) -> None:
        if not self.open:
            self._watch = None
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        for protocol in list(self.open):
            if protocol.deadline < now:
                protocol.expire()
        self._watch = loop.call_later(_TICK, self._tick)


class SmtpProtocol(asyncio.Protocol):
    """One connection. `deadline` is loop time; whoever waits sets it."""

    def __init__(self, service: Service, peer: Peer | None) -> None:
        self.deadline = _NEVER
        self._service = service
        self._limits = service.rules.limits
        self._loop = asyncio.get_running_loop()
        self._receiver = Receiver(self._limits)
        self._transport: asyncio.Transport | None = None
        self._peer = peer
        self._task: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[Event | None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._out: list[bytes] = []
        self._text_deadline = _NEVER
        self._text_held = 0
        self._ended = False  # no more input will come, or be looked at
        self._lingering = False
        self._reading_paused = False
        self._stopping = False
        self._is_handshaking = False

    # what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the client and begin."""
        self._transport = cast(asyncio.Transport, transport)
        name, peer = transport.get_extra_info("peername"), self._peer
        address = peer.address if peer else str(name[0]) if name else "local"
        self._service.joined(self)
        session = SmtpSession(self._loop, address, peer.local_address if peer else "")
        session.peer = name
        if transport.get_extra_info("ssl_object") is not None:
            session.ssl = tls_info(transport)
        else:
            session.early_talker = octets_waiting(transport) > 0
        self._conversation = Conversation(
            self._service.rules, self._service.hooks, session, self._receiver, self._signed_in
        )
        self._task = self._loop.create_task(self._run())

    def data_received(self, data: bytes) -> None:
        """Take octets; wake the task when they make an event."""
        if self._lingering or self._ended:
            return
        receiver = self._receiver
        receiver.feed(data)
        if self._waiter is None:
            # Nobody looks at the limits of what comes in while the task is busy.
            if receiver.buffered + receiver.held > self._limits.pipeline:
                self._pause_reading()
            return
        event = receiver.next_event()
        if receiver.is_reading_text:
            self._text_arrived()
        if event is not None:
            self._wake(event)

    def eof_received(self) -> bool:
        """The client will send no more; what it sent is still answered, a message with what becomes
        of it. A script that has closed its side reads on, and one that died is not told apart: only
        a connection that is closed or reset ends what is under way (RFC 5321 section 4.1.1.10)."""
        self._ended = True
        self._wake(None)
        # False closes the transport. One over TLS closes whatever we return, and warns.
        return not (self._lingering or self._conversation.session.ssl)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone. Work that was begun runs on; nobody is told its outcome."""
        self._ended = True
        self.deadline = _NEVER
        self._conversation.session.interrupt(gone=True)
        self._hold_text(0)
        self._service.left(self)
        if self._peer is not None:
            self._peer.lease.release()
        self._wake(None)
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def pause_writing(self) -> None:
        """The client does not read."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """It reads again."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # what the service and the listener call

    def shutdown(self) -> None:
        """Say 421 and close: now if idle, else when what is under way has its answer."""
        self._stopping = True
        self._conversation.session.interrupt(gone=False)
        if self._is_handshaking:
            self._abort()  # there is nobody to talk to yet
        elif self._waiter is not None and not self._receiver.is_reading_text:
            self._say_and_close(_STOPPING)

    def expire(self) -> None:
        """The deadline has passed."""
        if self._lingering or self._ended or self._writable is not None:
            self._abort()
        else:
            self._say_and_close(_TIMEOUT)

    def _signed_in(self, user_id: int) -> bool:
        return self._peer is None or self._peer.lease.signed_in(user_id)

    def _busy(self, busy: bool) -> None:
        """Tell the listener's book whether we work for this client, so that it is not cut off."""
        if self._peer is not None:
            self._peer.lease.busy = busy

    # the task

    async def _run(self) -> None:
        try:
            await self._converse()
        except Exception:
            logger.exception("an SMTP connection failed")
            self._abort()
        finally:
            self._hold_text(0)
            self._conversation.end()

    async def _converse(self) -> None:
        conversation, receiver = self._conversation, self._receiver
        self._out.append(await conversation.greeting())
        if conversation.next is not Next.GO_ON and not await self._do_next():
            return
        while True:
            if self._stopping and not receiver.is_reading_text:
                self._say_and_close(_STOPPING)
                return
            event = receiver.next_event()
            if event is None:
                event = await self._next_event()
                if event is None:
                    self._close()
                    return
                if self._peer is not None:
                    self._peer.lease.heard()
            self._busy(True)
            self._out.append(await conversation.handle(event))
            self._busy(False)
            if self._text_held:
                self._hold_text(receiver.held)
            if conversation.delay:
                await self._tarpit(conversation.delay)
            if conversation.next is not Next.GO_ON and not await self._do_next():
                return

    async def _next_event(self) -> Event | None:
        """Flush, then wait for the next event; None when there is none to come."""
        await self._flush()
        if self._stopping and not self._receiver.is_reading_text:
            self._say_and_close(_STOPPING)
        if self._ended:
            return None
        if self._reading_paused:
            self._resume_reading()
        self._waiter = self._loop.create_future()
        self._set_deadline()
        try:
            return await self._waiter
        finally:
            self._waiter = None
            self._no_deadline()

    async def _do_next(self) -> bool:
        """Do what the conversation wants; false when it is over."""
        conversation = self._conversation
        if conversation.next is Next.START_TLS:
            conversation.next = Next.GO_ON
            return await self._start_tls()
        if conversation.next is Next.HANG_UP:
            self._say_and_close(b"")
        else:
            self._close()
        return False

    async def _tarpit(self, seconds: float) -> None:
        last = self._out.pop()
        await self._flush()
        self._out.append(last)
        await asyncio.sleep(seconds)

    async def _start_tls(self) -> bool:
        """Upgrade; false when it did not work and the connection is gone."""
        assert self._transport is not None
        context = self._service.tls
        if context is None:
            raise RuntimeError("STARTTLS was offered without a certificate")
        await self._flush()
        if self._ended_for_good:
            return False
        # No await between here and the hand-over: what came in the clear is dropped, and nothing
        # can come after it (CVE-2011-0411).
        self._receiver.clear()
        self._is_handshaking = True
        try:
            transport = await start_tls(self._transport, self, context)
        except (OSError, ssl.SSLError, TimeoutError) as error:
            logger.info("TLS handshake failed", extra={"detail": str(error)})
            self._abort()
            return False
        finally:
            self._is_handshaking = False
        if self._ended:
            return False
        self._transport = transport
        self._reading_paused = False
        self._conversation.tls_started(tls_info(transport))
        return True

    # reading

    def _wake(self, event: Event | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(event)
        self._waiter = None

    def _text_arrived(self) -> None:
        self._hold_text(self._receiver.held)
        if self._service.text_held > self._limits.text_memory:
            self._receiver.refuse_text(Fault.NO_MEMORY)
            self._hold_text(self._receiver.held)
        block = self._pick(self._limits.block_seconds, self._limits.stress_block_seconds)
        self.deadline = min(self._loop.time() + block, self._text_deadline)

    def _hold_text(self, held: int) -> None:
        self._service.text_held += held - self._text_held
        self._text_held = held

    def _set_deadline(self) -> None:
        limits, now = self._limits, self._loop.time()
        if self._receiver.is_reading_text:
            whole = self._pick(limits.message_seconds, limits.stress_message_seconds)
            block = self._pick(limits.block_seconds, limits.stress_block_seconds)
            self._text_deadline = now + whole
            self.deadline = now + block
        else:
            self.deadline = now + self._pick(limits.command_seconds, limits.stress_command_seconds)

    def _no_deadline(self) -> None:
        """While we work the client waits for us, not we for it. The end keeps its own."""
        if not self._ended_for_good:
            self.deadline = _NEVER

    def _pick(self, usual: float, stressed: float) -> float:
        return stressed if self._service.is_stressed else usual

    def _pause_reading(self) -> None:
        if not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        self._reading_paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # writing and closing

    async def _flush(self) -> None:
        if self._out and not self._ended_for_good:
            assert self._transport is not None
            self._transport.write(b"".join(self._out))
        self._out.clear()
        if self._writable is not None:
            self.deadline = self._loop.time() + self._limits.write_seconds
            await self._writable
            self._no_deadline()

    @property
    def _ended_for_good(self) -> bool:
        return self._lingering or self._transport is None or self._transport.is_closing()

    def _say_and_close(self, last: bytes) -> None:
        """Send what is due and `last`, and let the client read it before the socket goes."""
        transport = self._transport
        if transport is None or self._ended_for_good:
            return
        transport.write(b"".join([*self._out, last]))
        self._out.clear()
        self._ended = True
        if transport.can_write_eof():
            with contextlib.suppress(OSError):  # it has reset the connection just now
                transport.write_eof()
            self._lingering = True
            self.deadline = self._loop.time() + _LINGER_SECONDS
            if self._reading_paused:
                self._resume_reading()
        else:
            self._close()
        self._wake(None)

    def _close(self) -> None:
        """Close when what is written has been sent; the watch aborts if that takes too long."""
        if self._transport is None or self._ended_for_good:
            return
        if self._out:
            self._transport.write(b"".join(self._out))
        self._out.clear()
        self._ended = True
        self.deadline = self._loop.time() + _LINGER_SECONDS
        self._transport.close()

    def _abort(self) -> None:
        self._ended = True
        if self._transport is not None:
            self._transport.abort()


def tls_info(transport: asyncio.BaseTransport) -> dict[str, Any]:
    """What to remember of a TLS connection: version, cipher, and what sign-ins can be tied to."""
    secured = transport.get_extra_info("ssl_object")
    cipher = transport.get_extra_info("cipher") or ("unknown",)
    return {
        "version": secured.version() if secured else "TLS",
        "cipher": cipher[0],
        "bindings": binding.of(secured) if secured else binding.NONE,
        "server_name": binding.asked_name(secured),
    }


def octets_waiting(transport: asyncio.BaseTransport) -> int:
    """Count what a client sent before we said a word. An honest one waits for the greeting."""
    connection = transport.get_extra_info("socket")
    if connection is None:
        return 0
    try:
        raw = fcntl.ioctl(connection.fileno(), termios.FIONREAD, b"\0\0\0\0")
    except OSError:
        return 0
    return int(struct.unpack("i", raw)[0])
