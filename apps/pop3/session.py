"""POP3's three states (RFC 1939): AUTHORIZATION, TRANSACTION, UPDATE. No sockets.

Promises: commands in order, one answer each; nothing is deleted before QUIT, nothing at all when
the connection just ends; a `MailError` becomes -ERR with a response code (RFC 2449, RFC 3206), any
other exception is logged and becomes -ERR [SYS/TEMP].
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from django.conf import settings

from apps.directory.authentication import Principal, authenticate
from apps.mailstore.origin import Origin
from apps.mailstore.queries import Shown
from apps.pop3 import lock, maildrop
from apps.pop3.maildrop import Maildrop
from apps.pop3.proto.commands import Command, ForeignError, GrammarError, parse
from apps.pop3.proto.lines import DotStuffer, top_size
from apps.runtime.clock import now
from apps.runtime.conversation import ShutdownError
from apps.runtime.db import in_db
from apps.runtime.ulid import new_ulid
from apps.wire import sasl
from apps.wire.errors import AuthenticationFailed, MailError, Temporary

logger = logging.getLogger(__name__)

CHUNK: Final = 256 * 1024
"""Octets of a message read and sent at once."""
BAD_MAX: Final = 10
"""Commands refused before sign-in, and failed sign-ins, until the connection ends."""
RENEW_SECONDS: Final = 60


class Channel(Protocol):
    """The way to one client; waits raise as `Conversation.wait` does."""

    @property
    def is_secure(self) -> bool:
        """Whether TLS runs."""

    @property
    def may_send_passwords(self) -> bool:
        """Whether a password may travel here."""

    @property
    def may_start_tls(self) -> bool:
        """Whether STLS is to be had."""

    @property
    def address(self) -> str:
        """The client's IP address."""

    def write(self, data: bytes) -> None:
        """Queue octets for the client."""

    async def drain(self) -> None:
        """Wait until the client has read most of it."""

    async def next_line(self) -> bytes:
        """Return the client's next line."""

    async def start_tls(self) -> None:
        """Drop what came in the clear, then do the handshake."""

    def sign_in(self, principal: Principal) -> bool:
        """Count the connection as its user's; False if the user has too many."""


class RefusalError(Exception):
    """The command is right and cannot be done; the text is ours."""


class Session:
    """One client's conversation."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._user = ""
        self._principal: Principal | None = None
        self._drop: Maildrop | None = None
        self._token = new_ulid().hex
        self._locked = False
        self._renewed_at = 0
        self._bad = 0
        self._over = False

    async def run(self) -> None:
        """Greet, then serve until QUIT. Whatever ends it, the lock is given back."""
        self._ok(f"{settings.MAIL_HOSTNAME} ready")
        try:
            while not self._over:
                await self._channel.drain()
                await self._handle(await self._channel.next_line())
            await self._channel.drain()
        except TimeoutError:
            self._err("Too long without a command", "SYS/TEMP")
        except ShutdownError as error:
            self._err(str(error), "SYS/TEMP")
        finally:
            if self._locked and self._principal is not None:
                await in_db("read", lock.give_back, self._principal.user_id, self._token)

    # -- answers ----------------------------------------------------------------------------------

    def _ok(self, text: str) -> None:
        self._channel.write(f"+OK {text}\r\n".encode("ascii", "replace"))

    def _err(self, text: str, code: str = "") -> None:
        said = f"-ERR [{code}] {text}\r\n" if code else f"-ERR {text}\r\n"
        self._channel.write(said.encode("ascii", "replace"))

    def _lines(self, head: str, lines: list[str]) -> None:
        text = "".join(f"{line}\r\n" for line in [f"+OK {head}", *lines, "."])
        self._channel.write(text.encode("ascii"))

    def _refuse(self, text: str) -> None:
        self._err(text)
        self._bad += 1
        self._over = self._over or self._bad >= BAD_MAX

    # -- the dispatcher ---------------------------------------------------------------------------

    async def _handle(self, line: bytes) -> None:
        try:
            command = parse(line)
            handler = self._handler(command)
        except ForeignError:
            self._err("This is a POP3 server")
            self._over = True
            return
        except GrammarError as error:
            self._refuse(f"Syntax error: {error}")
            return
        if handler is None:
            self._refuse("Not possible in this state")
            return
        try:
            await self._renew()
            await handler(self, command)
        except RefusalError as refusal:
            self._err(str(refusal))
        except MailError as error:
            self._fail(command, error)
        except (ConnectionError, TimeoutError, ShutdownError):
            raise
        except Exception:
            logger.exception("command failed", extra={"command": command.verb})
            self._err("Something went wrong here", "SYS/TEMP")

    async def _renew(self) -> None:
        """Hold the lock longer: a session that talks keeps it."""
        if self._locked and self._principal and now() - self._renewed_at > RENEW_SECONDS:
            self._renewed_at = now()
            await in_db("read", lock.renew, self._principal.user_id)

    def _handler(self, command: Command) -> Handler | None:
        if self._drop is None:
            return _BEFORE.get(command.verb)
        return _AFTER.get(command.verb)

    def _fail(self, command: Command, error: MailError) -> None:
        if error.detail:
            logger.info("command refused", extra={"command": command.verb, "detail": error.detail})
        if isinstance(error, AuthenticationFailed):
            self._err(error.reply.text, "AUTH")
            self._bad += 1
            self._over = self._bad >= BAD_MAX
        else:
            self._err(error.reply.text, "SYS/TEMP" if isinstance(error, Temporary) else "SYS/PERM")

    # -- AUTHORIZATION ----------------------------------------------------------------------------

    async def capa(self, _: Command) -> None:
        """RFC 2449 section 5; what is offered now."""
        words = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"]
        if self._principal is None and self._channel.may_send_passwords:
            words += ["USER", "SASL PLAIN"]
        if self._principal is None and self._channel.may_start_tls:
            words.append("STLS")
        words += ["EXPIRE NEVER", "LOGIN-DELAY 0", "IMPLEMENTATION mailhost"]
        self._lines("Capabilities", words)

    async def stls(self, _: Command) -> None:
        """RFC 2595 section 4."""
        if not self._channel.may_start_tls:
            raise RefusalError("TLS is running already")
        self._ok("Begin TLS negotiation now")
        await self._channel.start_tls()
        self._user = ""

    async def user(self, command: Command) -> None:
        """The name; whether there is such a user the answer does not tell."""
        self._need_privacy()
        self._user = _text(command.text)
        self._ok("And the password?")

    async def password(self, command: Command) -> None:
        """The password, which may hold blanks (RFC 1939 section 7, PASS)."""
        self._need_privacy()
        if not self._user:
            raise RefusalError("USER comes first")
        name, self._user = self._user, ""
        await self._sign_in(name, _text(command.text))

    async def auth(self, command: Command) -> None:
        """AUTH PLAIN (RFC 5034), with or without an initial response; AUTH alone lists."""
        if not command.text:
            self._lines("Mechanisms", ["PLAIN"] if self._channel.may_send_passwords else [])
            return
        name, _, initial = command.text.partition(b" ")
        if name.upper() != b"PLAIN":
            raise RefusalError("This mechanism is not offered")
        self._need_privacy()
        mechanism = sasl.Plain()
        outcome = mechanism.start(initial or None)
        while isinstance(outcome, sasl.Challenge):
            self._channel.write(b"+ %b\r\n" % outcome.encoded)
            await self._channel.drain()
            outcome = mechanism.step(await self._channel.next_line())
        if isinstance(outcome, sasl.Failure):
            self._refuse(f"Authentication ended: {outcome.reason}")
            return
        if outcome.authzid not in {"", outcome.username}:
            raise AuthenticationFailed("asked to act as another user")
        await self._sign_in(outcome.username, outcome.password)

    def _need_privacy(self) -> None:
        if not self._channel.may_send_passwords:
            raise RefusalError("Passwords are refused without TLS: use STLS")

    async def _sign_in(self, username: str, password: str) -> None:
        principal = await in_db(
            "hash",
            authenticate,
            username=username,
            password=password,
            address=self._channel.address,
            door="pop3",
            secure=self._channel.is_secure,
        )
        if not self._channel.sign_in(principal):
            self._err("Too many connections of this user", "SYS/TEMP")
            self._over = True
            return
        self._principal = principal
        self._locked = await in_db("read", lock.take, principal.user_id, self._token)
        if not self._locked:
            # RFC 2449 section 8.1.1: the code tells it from a wrong password.
            self._err("Another session has this mailbox open", "IN-USE")
            self._over = True
            return
        self._renewed_at = now()
        self._drop = await in_db("read", maildrop.open_maildrop, principal.user_id)
        self._ok(f"{len(self._drop.uids)} messages")

    # -- TRANSACTION ------------------------------------------------------------------------------

    @property
    def _open(self) -> Maildrop:
        assert self._drop is not None
        return self._drop

    def _uid(self, command: Command) -> int:
        uid = self._open.uid(command.numbers[0])
        if uid is None:
            raise RefusalError("No such message")
        return uid

    async def stat(self, _: Command) -> None:
        """Count and octets of what is not marked."""
        listed = self._open.listed()
        self._ok(f"{len(listed)} {sum(size for _, _, size in listed)}")

    async def list_(self, command: Command) -> None:
        """Sizes."""
        if command.numbers:
            self._uid(command)
            number = command.numbers[0]
            self._ok(f"{number} {self._open.sizes[number - 1]}")
        else:
            rows = [f"{number} {size}" for number, _, size in self._open.listed()]
            self._lines(f"{len(rows)} messages", rows)

    async def uidl(self, command: Command) -> None:
        """Unique ids."""
        drop = self._open
        if command.numbers:
            self._ok(f"{command.numbers[0]} {drop.unique_id(self._uid(command))}")
        else:
            rows = [f"{number} {drop.unique_id(uid)}" for number, uid, _ in drop.listed()]
            self._lines(f"{len(rows)} messages", rows)

    async def retr(self, command: Command) -> None:
        """A whole message."""
        uid = self._uid(command)
        shown = await in_db("read", maildrop.read_message, self._open.mailbox_id, uid)
        await self._send(shown, shown.size)
        self._open.read.add(uid)

    async def top(self, command: Command) -> None:
        """The header and the first lines of the body (RFC 1939 section 7)."""
        uid = self._uid(command)
        shown = await in_db("read", maildrop.read_message, self._open.mailbox_id, uid)
        end = await in_db("read", _top_end, shown, command.numbers[1])
        await self._send(shown, end)

    async def _send(self, shown: Shown, end: int) -> None:
        """Send octets up to `end` as a multi-line response, a piece at a time."""
        stuffer = DotStuffer()
        for start in range(0, end, CHUNK):
            try:
                raw = await in_db("read", shown.part, start, min(start + CHUNK, end))
            except MailError:
                if start:  # it has begun: only the end of the connection can tell
                    raise ConnectionAbortedError from None
                raise
            if not start:
                self._ok(f"{shown.size} octets")
            self._channel.write(stuffer.feed(raw))
            await self._channel.drain()
        if not end:
            self._ok("0 octets")
        self._channel.write(stuffer.end())

    async def dele(self, command: Command) -> None:
        """Mark; done at QUIT."""
        self._open.deleted.add(self._uid(command))
        self._ok("Marked for deletion")

    async def rset(self, _: Command) -> None:
        """Take all marks back."""
        self._open.deleted.clear()
        self._ok("Nothing is marked")

    async def noop(self, _: Command) -> None:
        """Nothing."""
        self._ok("Nothing done")

    # -- UPDATE -----------------------------------------------------------------------------------

    async def quit(self, _: Command) -> None:
        """The UPDATE state; before sign-in just goodbye."""
        self._over = True
        if self._drop is not None and self._principal is not None:
            origin = Origin("pop3", self._principal.user_id, address=self._channel.address)
            try:
                await in_db("work", maildrop.update, self._drop, origin)
            except MailError as error:
                logger.warning("not all was deleted", extra={"detail": error.detail})
                self._err("Some messages were not deleted", "SYS/TEMP")
                return
        self._ok("Goodbye")


def _top_end(shown: Shown, lines: int) -> int:
    """Return where the first `lines` lines of the body end; reads on a database thread."""
    end, size = shown.header_size, shown.size
    while lines and end < size:
        text = shown.part(end, end + CHUNK)
        taken = top_size(text, lines)
        end += taken
        if taken < len(text):
            break
        lines -= text.count(b"\n")
    return end


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise AuthenticationFailed("a user name or password that is not UTF-8") from None


Handler = Callable[[Session, Command], Awaitable[None]]
_BEFORE: Final[dict[str, Handler]] = {
    "CAPA": Session.capa,
    "STLS": Session.stls,
    "USER": Session.user,
    "PASS": Session.password,
    "AUTH": Session.auth,
    "QUIT": Session.quit,
}
_AFTER: Final[dict[str, Handler]] = {
    "CAPA": Session.capa,
    "STAT": Session.stat,
    "LIST": Session.list_,
    "UIDL": Session.uidl,
    "RETR": Session.retr,
    "TOP": Session.top,
    "DELE": Session.dele,
    "RSET": Session.rset,
    "NOOP": Session.noop,
    "QUIT": Session.quit,
}
