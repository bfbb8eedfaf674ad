"""An SMTP or LMTP server on a loopback port that records what it gets, and misbehaves on demand.

    with SmtpSink(tls=certificate.context) as sink:
        sink.on("RCPT bob@example.org", "550 5.1.1 no such user")
        sink.on("MAIL", "451 4.3.0 not now", times=1)
        sink.on(".", CLOSE)
        ...
        sink.wait(1)
        assert sink.messages[0].recipients == ["alice@example.org"]

Steps are CONNECT (the banner), EHLO, HELO, LHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, "." (the reply
to the message; in LMTP one for each recipient), RSET, NOOP, QUIT; MAIL, RCPT and "." may name an
address. A message counts as received unless the reply to it is to be negative.
An action is a reply ("250 fine", lines parted by LF), octets to be written as they are, or one of
the faults below. The event loop has a thread of its own; other processes connect by port.
"""

import asyncio
import contextlib
import re
import ssl
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

from tests.support.services import wait_for

EXTENSIONS = ("PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
_PATH = re.compile(rb"(?:FROM|TO):\s*<((?:\"(?:[^\"\\]|\\.)*\"|[^\">])*)>\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """What one transaction brought; `text` without dot-stuffing."""

    sender: str
    recipients: list[str]
    text: bytes
    mail_parameters: str = ""
    rcpt_parameters: list[str] = field(default_factory=list)
    session: int = 0
    helo: str = ""
    tls: str = ""  # version
    user: str = ""
    at: float = 0.0  # monotonic


class _Gone(Exception):
    """The conversation is over."""


Fault = Callable[["_Session"], Awaitable[None]]
Action = str | bytes | Fault


async def CLOSE(session: "_Session") -> None:  # noqa: N802  (an action, written like a constant)
    """Close the connection without a word."""
    raise _Gone


async def RESET(session: "_Session") -> None:  # noqa: N802
    """Reset the connection."""
    session.writer.transport.abort()
    raise _Gone


async def HANG(session: "_Session") -> None:  # noqa: N802
    """Say nothing, and read nothing, until the peer goes."""
    await session.sink.stopping.wait()
    raise _Gone


async def ENDLESS(session: "_Session") -> None:  # noqa: N802
    """A reply of lines without end."""
    while True:
        await session.write(b"250-and so on\r\n" * 100)


async def GARBAGE(session: "_Session") -> None:  # noqa: N802
    """For STARTTLS: 220, and then no TLS."""
    await session.write(b"220 go ahead\r\n")
    await session.wire.more()
    await session.write(b"this is not TLS\r\n" * 10)
    raise _Gone


async def DEAF(session: "_Session") -> None:  # noqa: N802
    """For DATA: 354, and then read nothing."""
    await session.write(b"354 go ahead\r\n")
    await HANG(session)


def huge(size: int = 10_000_000) -> Fault:
    """A reply line of `size` octets."""

    async def act(session: "_Session") -> None:
        for _ in range(size // 100_000):
            await session.write(b"x" * 100_000)
        await session.write(b"\r\n")

    return act


def drip(text: str, pause: float = 0.05) -> Fault:
    """A reply octet by octet: a tarpit."""

    async def act(session: "_Session") -> None:
        for octet in _reply(text):
            await session.write(bytes((octet,)))
            await session.pause(pause)

    return act


def late(text: str, seconds: float) -> Fault:
    """A reply after a while."""

    async def act(session: "_Session") -> None:
        await session.pause(seconds)
        await session.write(_reply(text))

    return act


def last(text: str) -> Fault:
    """A reply, and the connection is closed."""

    async def act(session: "_Session") -> None:
        await session.write(_reply(text))
        raise _Gone

    return act


def after(event: threading.Event, text: str) -> Fault:
    """A reply as soon as the test has set `event`."""

    async def act(session: "_Session") -> None:
        while not event.is_set():
            await session.pause(0.005)
        await session.write(_reply(text))

    return act


@dataclass
class _Rule:
    action: Action
    left: int | None


class SmtpSink:
    """The server.

    Args:
        tls: context of the server's certificate: STARTTLS is offered, or with `is_implicit` spoken
            from the first octet.
        extensions: what EHLO offers, beside STARTTLS and AUTH.
        is_lmtp: LHLO in place of EHLO, and one reply per recipient.
        auth: mechanisms to offer; any password is taken unless a rule for AUTH says otherwise.
        host: loopback address to listen on: every sink may have its own 127.0.0.x with one port.
        port: 0 for a free one.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        extensions: tuple[str, ...] = EXTENSIONS,
        is_lmtp: bool = False,
        is_implicit: bool = False,
        auth: str = "",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.tls = tls
        self.extensions = extensions
        self.is_lmtp = is_lmtp
        self.is_implicit = is_implicit
        self.auth = auth
        self.host, self.port = host, port
        self.messages: list[Message] = []
        self.commands: list[str] = []  # of all sessions, without AUTH's secrets
        self.logins: list[bytes] = []  # AUTH lines as sent
        self.sessions = 0
        self.open = 0
        self.peak = 0  # most sessions open at once
        self._rules: dict[str, list[_Rule]] = {}
        self._writers: weakref.WeakSet[asyncio.StreamWriter] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30), "the sink did not start"
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self.stopping.set)
        self._thread.join(10)

    @property
    def address(self) -> str:
        """As `Result.address` tells it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def on(self, step: str, action: Action, *, times: int | None = None) -> None:
        """Do this at a step (`RCPT`, or `RCPT bob@example.org`); a later rule goes first, and ends
        after `times`."""
        with self._lock:
            self._rules.setdefault(step, []).insert(0, _Rule(action, times))

    def forget(self, step: str = "") -> None:
        """Drop the rules of a step, or all."""
        with self._lock:
            if step:
                self._rules.pop(step, None)
            else:
                self._rules.clear()

    def wait(self, count: int, timeout: float = 60.0) -> list[Message]:
        """Return the messages as soon as there are at least `count`."""
        wait_for(lambda: len(self.messages) >= count, timeout, f"{count} messages at the sink")
        return self.messages

    def count(self, verb: str) -> int:
        """How often a command was given."""
        return sum(command.split(" ")[0] == verb for command in list(self.commands))

    def action(self, verb: str, address: str = "", *, is_spent: bool = True) -> Action | None:
        """What a rule says; the one with the address goes first."""
        with self._lock:
            for step in (f"{verb} {address}", verb):
                for rule in self._rules.get(step, ()):
                    if rule.left is None:
                        return rule.action
                    if rule.left > 0:
                        rule.left -= is_spent
                        return rule.action
        return None

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        context = self.tls if self.is_implicit else None
        server = await asyncio.start_server(
            self._talk, self.host, self.port, ssl=context, backlog=1000
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self.stopping.wait()
        await asyncio.sleep(0)  # one who came this very moment is served first, or never closed
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in list(self._writers):  # the peer may never read what is still to be written
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        self.open += 1
        self.peak = max(self.peak, self.open)
        session = _Session(self, self.sessions, reader, writer)
        self._writers.add(writer)
        try:
            with contextlib.suppress(_Gone, OSError, asyncio.CancelledError):
                await session.run()
        finally:
            self.open -= 1
            # A peer that is shut out while it waits for TLS is not waited for in turn.
            writer.close()


class _Wire:
    """What the peer sends, by lines and by messages."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._data = bytearray()

    async def more(self) -> None:
        chunk = await self._reader.read(1 << 16)
        if not chunk:
            raise _Gone
        self._data += chunk

    async def line(self) -> bytes:
        while (end := self._data.find(b"\r\n")) < 0:
            await self.more()
        line = bytes(self._data[:end])
        del self._data[: end + 2]
        return line

    async def message(self) -> bytes:
        """Up to the final dot, unstuffed."""
        seen = 0
        while not self._data.startswith(b".\r\n"):
            end = self._data.find(b"\r\n.\r\n", max(0, seen - 4))
            if end >= 0:
                text = bytes(self._data[: end + 2])
                del self._data[: end + 5]
                text = text[1:] if text.startswith(b".") else text
                return text.replace(b"\r\n.", b"\r\n")
            seen = len(self._data)
            await self.more()
        del self._data[:3]
        return b""


class _Session:
    """One conversation."""

    def __init__(
        self,
        sink: SmtpSink,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.sink = sink
        self.number = number
        self.writer = writer
        self.wire = _Wire(reader)
        self._reader = reader
        self._tls = ""
        self._name = self._user = ""
        self._reset()
        if sink.is_implicit:
            self._tls = writer.get_extra_info("ssl_object").version()

    def _reset(self) -> None:
        self._sender: str | None = None
        self._mail_parameters = ""
        self._recipients: list[str] = []
        self._rcpt_parameters: list[str] = []

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the sink."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.sink.stopping.wait(), seconds)
            raise _Gone

    async def run(self) -> None:
        await self.do("CONNECT", "220 sink.test ESMTP")
        while True:
            line = await self.wire.line()
            verb, _, rest = line.partition(b" ")
            name = verb.decode("ascii", "replace").upper()
            shown = "AUTH" if name == "AUTH" else line.decode("utf-8", "replace")
            self.sink.commands.append(shown)
            if name in _VERBS:
                await getattr(self, f"_{name.lower()}")(rest)
            else:
                await self.write(b"500 5.5.1 what?\r\n")

    async def do(self, verb: str, usual: str, address: str = "") -> bool:
        """Act by the rules, else reply as usual; whether that was a positive reply."""
        action = self.sink.action(verb, address)
        if action is None:
            action = usual
        if isinstance(action, str):
            await self.write(_reply(action))
            return action[:1] in "23"
        if isinstance(action, bytes):
            await self.write(action)
            return action[:1] in b"23"
        await action(self)
        return True

    async def _ehlo(self, rest: bytes) -> None:
        await self._hello("EHLO", rest)

    async def _lhlo(self, rest: bytes) -> None:
        await self._hello("LHLO", rest)

    async def _helo(self, rest: bytes) -> None:
        self._name = rest.decode("ascii", "replace")
        await self.do("HELO", "250 sink.test")

    async def _hello(self, verb: str, rest: bytes) -> None:
        sink = self.sink
        if (verb == "LHLO") is not sink.is_lmtp:
            await self.write(b"500 5.5.1 the other one\r\n")
            return
        self._reset()
        self._name = rest.decode("ascii", "replace")
        offers = list(sink.extensions)
        if sink.tls is not None and not self._tls:
            offers.append("STARTTLS")
        if sink.auth:
            offers.append(f"AUTH {sink.auth}")
        lines = ["sink.test", *offers]
        await self.do(verb, "\n".join(f"250 {line}" for line in lines))

    async def _starttls(self, _rest: bytes) -> None:
        if self.sink.tls is None or self._tls:
            await self.write(b"503 5.5.1 no TLS here\r\n")
        elif await self.do("STARTTLS", "220 go ahead"):
            try:
                await self.writer.start_tls(self.sink.tls)
            except (OSError, ssl.SSLError, EOFError):
                raise _Gone from None
            self._tls = self.writer.get_extra_info("ssl_object").version()
            self.wire = _Wire(self._reader)

    async def _auth(self, rest: bytes) -> None:
        self.sink.logins.append(rest)
        mechanism = rest.split(b" ")[0].upper()
        if mechanism == b"LOGIN":
            if b" " not in rest:
                await self.write(b"334 VXNlcm5hbWU6\r\n")
                self.sink.logins.append(await self.wire.line())
            await self.write(b"334 UGFzc3dvcmQ6\r\n")
            self.sink.logins.append(await self.wire.line())
        elif mechanism == b"CRAM-MD5":
            await self.write(b"334 PDEyMzRAc2luay50ZXN0Pg==\r\n")
            self.sink.logins.append(await self.wire.line())
        if await self.do("AUTH", "235 2.7.0 welcome"):
            self._user = mechanism.decode("ascii", "replace")

    async def _mail(self, rest: bytes) -> None:
        found = _PATH.match(rest)
        if found is None:
            await self.write(b"501 5.5.4 no path\r\n")
            return
        sender = found[1].decode("utf-8", "replace")
        if await self.do("MAIL", "250 2.1.0 sender is fine", sender):
            self._reset()
            self._sender = sender
            self._mail_parameters = found[2].decode("utf-8", "replace")

    async def _rcpt(self, rest: bytes) -> None:
        found = _PATH.match(rest)
        if found is None or self._sender is None:
            await self.write(b"503 5.5.1 MAIL first\r\n")
            return
        address = found[1].decode("utf-8", "replace")
        if await self.do("RCPT", "250 2.1.5 recipient is fine", address):
            self._recipients.append(address)
            self._rcpt_parameters.append(found[2].decode("utf-8", "replace"))

    async def _data(self, _rest: bytes) -> None:
        if not self._recipients:
            await self.write(b"554 5.5.1 no valid recipients\r\n")
            return
        if not await self.do("DATA", "354 go ahead"):
            return
        message = Message(
            self._sender or "",
            self._recipients,
            await self.wire.message(),
            self._mail_parameters,
            self._rcpt_parameters,
            self.number,
            self._name,
            self._tls,
            self._user,
            time.monotonic(),
        )
        self._reset()
        if self.sink.is_lmtp:
            await self._answer_each(message)
            return
        # Kept before it is told: who sees the reply finds the message.
        if self._is_taken("."):
            self.sink.messages.append(message)
        await self.do(".", "250 2.0.0 taken")

    async def _answer_each(self, message: Message) -> None:
        taken = [one for one in message.recipients if self._is_taken(".", one)]
        if taken:
            self.sink.messages.append(message)
        for recipient in message.recipients:
            await self.do(".", "250 2.0.0 taken", recipient)

    def _is_taken(self, verb: str, address: str = "") -> bool:
        """Whether a message counts as received. One that was taken without a word about it is what
        makes duplicates, so it counts."""
        action = self.sink.action(verb, address, is_spent=False)
        return not isinstance(action, str | bytes) or action[:1] in ("2", b"2")

    async def _rset(self, _rest: bytes) -> None:
        self._reset()
        await self.do("RSET", "250 2.0.0 forgotten")

    async def _noop(self, _rest: bytes) -> None:
        await self.do("NOOP", "250 2.0.0 nothing done")

    async def _quit(self, _rest: bytes) -> None:
        await self.do("QUIT", "221 2.0.0 bye")
        raise _Gone


_VERBS = frozenset("EHLO HELO LHLO STARTTLS AUTH MAIL RCPT DATA RSET NOOP QUIT".split())


def _reply(text: str) -> bytes:
    """Wire form: `250 a\\n250 b` becomes `250-a`, `250 b`."""
    lines = text.split("\n")
    *heads, final = [line.encode() for line in lines]
    return b"".join(line[:3] + b"-" + line[4:] + b"\r\n" for line in heads) + final + b"\r\n"
