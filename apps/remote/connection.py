"""One connection to an SMTP or LMTP server: octets, replies in order, deadlines, a transcript.

`Wire` is aiosmtplib's protocol with a reader of our own below it: it takes replies that come
together (pipelining, LMTP), holds them to the bounds of `replies`, and counts how many are due, so
that one nobody asked for is never taken for an answer. `Session` is aiosmtplib's client on a
connection that we made ourselves, to an address that we checked.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Iterable
from typing import Final, cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from apps.remote.replies import Reply, ReplyError, ReplyReader, printable

BLOCK: Final = 64 << 10  # octets written at a time
BUFFERED: Final = 128 << 10  # octets of ours that may wait for the remote to read them
UNASKED: Final = 20  # replies to nothing, before we hang up; STARTTLS throws away what came by then
MAX_TRANSCRIPT: Final = 8_000  # characters
_HIDDEN: Final = "(hidden)"


class ConversationError(Exception):
    """The conversation cannot go on; the text says why, in words for people: "it …"."""


class LostError(ConversationError):
    """The connection is gone. `reply` is what the server had said before, unasked, if anything."""

    def __init__(self, reason: str, reply: Reply | None = None) -> None:
        super().__init__(reason)
        self.reply = reply


class Transcript:
    """Commands and replies, cut in the middle of what is too long."""

    def __init__(self) -> None:
        self._head: list[str] = []
        self._lines: deque[str] = deque()
        self._length = 0
        self._cut = 0

    def add(self, mark: str, text: str) -> None:
        """Keep a line; `mark` is ">" for ours, "<" for theirs, "*" for what happened."""
        line = f"{mark} {printable(text)}"
        self._lines.append(line)
        self._length += len(line) + 1
        while self._length > MAX_TRANSCRIPT // 2:
            self._length -= len(self._lines.popleft()) + 1
            self._cut += 1

    def begin(self) -> None:
        """What there is so far belongs to the connection; what comes, to one transaction."""
        if not self._head:
            self._head = list(self._lines)
        self._lines.clear()
        self._length = self._cut = 0

    def __str__(self) -> str:
        cut = [f"* ({self._cut} lines left out)"] if self._cut else []
        return "\n".join([*self._head, *cut, *self._lines])


class Wire(SMTPProtocol):
    """The protocol of a connection. Raises LostError and ReplyError where aiosmtplib's own would
    raise its errors; times out with TimeoutError."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.transcript = Transcript()
        self.is_out_of_step = False  # it said something that nobody asked for
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._due = 1  # the greeting
        self._failure: Exception | None = None
        self._arrived: asyncio.Future[None] | None = None
        self._hides = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        cast(asyncio.WriteTransport, transport).set_write_buffer_limits(BUFFERED)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._fail(LostError("it closed the connection"))

    def eof_received(self) -> bool:
        self._fail(LostError("it closed the connection"))
        return False

    def data_received(self, data: bytes) -> None:
        try:
            replies = self._reader.feed(data)
        except ReplyError as error:
            self._fail(error)
            self.abort()
            return
        for reply in replies:
            self.transcript.add("<", f"{reply.code} {reply.text}")
            self._replies.append(reply)
            if len(self._replies) > self._due:  # perhaps the 421 that says why it will hang up
                self.is_out_of_step = True
            if len(self._replies) > self._due + UNASKED:
                self._fail(ReplyError("it says what nobody asked for"))
                self.abort()
                return
        self._wake()

    @property
    def is_open(self) -> bool:
        return self.is_connected and self._failure is None

    def peek(self) -> Reply | None:
        """A reply that has come already, not taken."""
        return self._replies[0] if self._replies else None

    async def reply(self) -> Reply:
        """The next reply; waits as long as the caller lets it.

        Raises:
            LostError, ReplyError: there will be none.
        """
        while not self._replies:
            if self._failure is not None:
                raise self._failure
            self._arrived = self._loop.create_future()
            await self._arrived
        self._due -= 1
        return self._replies.popleft()

    async def read_response(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 (aiosmtplib's signature)
    ) -> aiosmtplib.SMTPResponse:
        """What aiosmtplib's own commands call."""
        async with asyncio.timeout(timeout):
            reply = await self.reply()
        return aiosmtplib.SMTPResponse(reply.code, "\n".join(reply.lines))

    def write(self, data: bytes) -> None:
        """What aiosmtplib's own commands call, one command at a time."""
        self.send([data.removesuffix(b"\r\n")])

    def send(self, commands: Iterable[bytes]) -> None:
        """Write command lines together; a reply to each is due."""
        lines = list(commands)
        self._due += len(lines)
        for line in lines:
            self.transcript.add(">", self._shown(line))
        self._put(b"".join(line + b"\r\n" for line in lines))

    async def send_text(self, data: memoryview | bytes) -> None:
        """Write a part of a message; return when little enough of it waits to be read, or as soon
        as the server says something.

        Raises:
            LostError.
        """
        self._put(data)
        try:
            await self._drain_helper()
        except ConnectionResetError:
            raise self.lost() from None

    def end_text(self, data: bytes, replies: int = 1) -> None:
        """Write the last octets of a message; `replies` are due (LMTP: one per recipient)."""
        self._due += replies
        self._put(data)

    def lost(self) -> LostError:
        """Why the connection is gone, with what the server said last."""
        failure = self._failure
        reason = str(failure) if failure is not None else "it closed the connection"
        return LostError(reason, self.peek())

    async def start_tls(
        self,
        tls_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (aiosmtplib's signature)
    ) -> aiosmtplib.SMTPResponse:
        response = await super().start_tls(tls_context, server_hostname, timeout)
        # What stood behind the 220 came from whoever sits on the line, not from who has the
        # certificate (RFC 3207 section 6, CVE-2011-0411): aiosmtplib empties its own buffer only.
        if self._replies or self.is_out_of_step:
            self.transcript.add("*", "what it said before TLS was thrown away")
        self._reader.clear()
        self._replies.clear()
        self._due = 0
        self.is_out_of_step = False
        return response

    async def wrap(self, context: ssl.SSLContext, server_name: str | None, patience: float) -> None:
        """TLS from the first octet. Raises OSError (ssl.SSLError), TimeoutError."""
        assert self.transport is not None
        self.transport = await self._loop.start_tls(
            cast(asyncio.Transport, self.transport),
            self,
            context,
            server_hostname=server_name,
            ssl_handshake_timeout=patience,
        )
        self._over_ssl = True

    def abort(self) -> None:
        """Cut the connection at once: what was begun is not finished."""
        if self.transport is not None:
            cast(asyncio.WriteTransport, self.transport).abort()

    def hide(self, *, is_hidden: bool) -> None:
        """Keep what is sent out of the transcript: passwords."""
        self._hides = is_hidden

    def _shown(self, line: bytes) -> str:
        if not self._hides:
            return line.decode("utf-8", "replace")
        words = line.split(b" ", 2)
        is_auth = words[0] == b"AUTH" and len(words) > 1
        return f"AUTH {words[1].decode('ascii', 'replace')} {_HIDDEN}" if is_auth else _HIDDEN

    def _put(self, data: memoryview | bytes) -> None:
        if not self.is_open:
            raise self.lost()
        cast(asyncio.WriteTransport, self.transport).write(data)

    def _fail(self, failure: Exception) -> None:
        if self._failure is None:
            self._failure = failure
        self._wake()

    def _wake(self) -> None:
        for waiter in (self._arrived, *self._drain_waiters):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)


class Session(aiosmtplib.SMTP):
    """aiosmtplib's client: EHLO, STARTTLS, AUTH and their kin, over a `Wire`."""

    # Under TLS a password needs no more hiding; CRAM-MD5 forces servers to keep it readable.
    AUTH_METHODS = ("plain", "login", "cram-md5")

    def __init__(self, wire: Wire, local_hostname: str) -> None:
        super().__init__(local_hostname=local_hostname)
        self.wire = wire
        self.protocol = wire
        self.transport = wire.transport

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        """The TLS of the connection, None without."""
        transport = self.wire.transport
        return None if transport is None else transport.get_extra_info("ssl_object")


async def open_wire(connected: socket.socket) -> Wire:
    """A wire on a connected socket, which it owns from now on."""
    loop = asyncio.get_running_loop()
    try:
        _, wire = await loop.create_connection(lambda: Wire(loop), sock=connected)
    except BaseException:
        connected.close()
        raise
    return wire
