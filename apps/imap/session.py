"""The dispatcher: from events to answers, for one connection. No sockets.

Promises: commands are carried out in the order they came; every command gets exactly one tagged
answer, whatever happens inside; nothing of an exception's text reaches the client unless it is a
`MailError`'s public reply; EXPUNGE is told only where the table of commands allows it; too many bad
commands end the connection.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from django.conf import settings

from apps.imap.context import Channel, CommandError, Context, Reply, State, Woken, no
from apps.imap.handlers.registry import COMMANDS, TOGETHER, Command, Use, capabilities, load
from apps.imap.limits import Limits
from apps.imap.names.naming import NoLongerError, renew
from apps.imap.proto.responses import capability, tagged, untagged
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.imap.proto.search import CharsetError
from apps.imap.selected.mirrors import Mirrors
from apps.imap.selected.view import NoMessageError
from apps.imap.telling import tell
from apps.runtime.conversation import ShutdownError
from apps.wire.errors import MailError, NotFound
from apps.wire.foreign import is_foreign
from apps.wire.limits import LITERAL_AFTER_LOGIN
from apps.wire.lines import BadLine, LiteralTooLarge, NeedContinuation, NoRoom, RawCommand
from apps.wire.lines import Event as WireEvent

logger = logging.getLogger(__name__)
T = TypeVar("T")

TOGETHER_MAX: Final = 100
"""Commands carried out at once; mostly there are fewer, for what is read ahead is bounded."""

load()


class Session:
    """One client's conversation."""

    def __init__(self, channel: Channel, mirrors: Mirrors, limits: Limits) -> None:
        self.context = Context(channel, mirrors, limits)
        self._channel = channel
        self._bad = 0

    async def run(self) -> None:
        """Greet, then serve until logout. Whatever ends it, the mailbox is given back."""
        self._greet()
        try:
            while self.context.state is not State.LOGOUT:
                await self._channel.drain()
                event = await self._next()
                if isinstance(event, Woken):
                    await self._tell_between()
                else:
                    await self.handle(event)
            await self._channel.drain()
        except TimeoutError:
            self.goodbye("Too long without a command")
        except ShutdownError as error:
            # RFC 5530 section 3: access is no longer permitted with that passphrase.
            self.goodbye(str(error), b"UNAVAILABLE" if error.for_now else b"EXPIRED")
        finally:
            self.context.unselect()
            self.context.end_news()

    def _greet(self) -> None:
        # Not in `run`, which would keep the octets for as long as the client stays.
        words = capability(capabilities(self.context))
        self._channel.write(untagged(b"OK", f"{settings.MAIL_HOSTNAME} ready", words))

    async def _next(self) -> WireEvent | Woken:
        """Wait for the client; also for news, if it wants some between its commands."""
        if any(one.at_any_time for one in self.context.news):
            return await self._channel.event_or_poke()
        return await self._channel.next_event()

    async def _tell_between(self) -> None:
        try:
            await renew(self.context)
        except NoLongerError as error:
            self.context.unselect()
            self.goodbye(error.reply.text)
            return
        for one in self.context.news:
            if one.at_any_time:
                await one.tell(self.context)
        selected = self.context.selected
        if selected is not None and selected.held.is_gone:
            self.goodbye("The selected mailbox has been deleted")

    def goodbye(self, text: str, code: bytes = b"") -> None:
        """Say BYE; the connection ends after what is running now."""
        if self.context.state is not State.LOGOUT:
            self._channel.write(untagged(b"BYE", text, code))
            self.context.state = State.LOGOUT

    async def handle(self, event: WireEvent) -> None:
        """Carry out one event of the command buffer."""
        match event:
            case RawCommand():
                await self._command(event)
            case LiteralTooLarge():
                self._too_large(event)
            case BadLine(tag, reason, fatal):
                self._refuse(tag, reason)
                if fatal:
                    self.goodbye("Cannot follow you any more")
            case NoRoom(tag, fatal):
                text = "Too many large messages are on their way, try again"
                self._channel.write(tagged(tag, b"NO", text, b"UNAVAILABLE"))
                if fatal:
                    self.goodbye(text, b"UNAVAILABLE")
            case NeedContinuation():
                await self._foresee(event)

    async def _foresee(self, asked: NeedContinuation) -> None:
        """Answer a command that cannot be carried out before its literal is sent (RFC 3502 section
        6.3.11, RFC 4469 appendix A). What is wrong with the rest of it is said when it is there."""
        scanner = Scanner(RawCommand(asked.tokens))
        try:
            row = self._row(asked.tag, scanner)
            reply = await row.foresee(self.context, scanner) if row.foresee is not None else None
        except GrammarError:
            return
        except MailError as error:
            reply = no(error.reply.text, error.imap_code.encode("ascii"))
        if reply is not None:
            self._channel.turn_down()
            self._channel.write(tagged(asked.tag, reply.condition, reply.text, reply.code))

    def _too_large(self, event: LiteralTooLarge) -> None:
        text = "Literal is too large"
        if self.context.principal is None:
            self._refuse(event.tag, text)
        else:  # RFC 7889 section 4: told before the data, if they are not on their way already
            code = b"TOOBIG"
            if event.verb == b"SETMETADATA":  # RFC 5464 section 4.3
                code = b"METADATA MAXSIZE %d" % LITERAL_AFTER_LOGIN
            self._channel.write(tagged(event.tag, b"NO", text, code))
        if event.fatal:
            self.goodbye(text, b"TOOBIG")

    def _refuse(self, tag: bytes, text: str, code: bytes = b"") -> None:
        """Answer BAD, and count: a client that only sends nonsense is no client."""
        self._channel.write(tagged(tag, b"BAD", text, code))
        self._bad += 1
        limits = self.context.limits
        most = limits.bad_in_a_row if self.context.principal else limits.bad_before_login
        if self._bad >= most:
            self.goodbye("Too many bad commands")

    async def _command(self, raw: RawCommand) -> None:
        if self.context.state is State.NOT_AUTHENTICATED and _is_foreign(raw):
            self._channel.foreign()
            self.goodbye("This is an IMAP server")
            return
        try:
            if self.context.utf8 and not _is_utf8(raw):
                raise GrammarError("expected UTF-8")
            row, cmd = self._parse(raw.tag, Scanner(raw))
        except GrammarError as error:
            self._refuse(raw.tag, f"Syntax error: {error}")
            return
        except CommandError as error:
            self._refuse(raw.tag, str(error), error.code)
            return
        except LimitError as error:
            self._channel.write(tagged(raw.tag, b"NO", str(error), b"LIMIT"))
            return
        except CharsetError:
            text = "Charset is not known, or the strings are not in it"
            self._channel.write(tagged(raw.tag, b"NO", text, b"BADCHARSET (US-ASCII UTF-8)"))
            return
        others = self._others(row, cmd)
        try:
            if others:
                await self._several(row, [(raw.tag, cmd), *others])
            else:
                await self._one(row, raw.tag, cmd)
        finally:
            self.context.running, self.context.arguments = "", None

    async def _one(self, row: Command, tag: bytes, cmd: object, reply: Reply | None = None) -> None:
        """Carry a command out, unless its reply is there already, and answer it."""
        self.context.running, self.context.arguments = row.name, cmd
        self.context.tag = tag
        try:
            if reply is None:
                reply = await self._carry_out(row.handler, row, cmd)
            await self._finish(tag, row, reply)
        except CommandError as error:
            self._refuse(tag, str(error), error.code)
        except NoMessageError:
            self._refuse(tag, "No such message")

    def _others(self, row: Command, cmd: object) -> list[tuple[bytes, object]]:
        """Take the commands behind one that may be carried out together with it: tags, arguments.

        A client that sends many in a row is answered for each, as if they had been carried out one
        by one (RFC 3501 section 5.5), and waits for one commit instead of many.
        """
        found: list[tuple[bytes, object]] = []
        together = TOGETHER.get(row.name)
        while (
            together is not None
            and len(found) < TOGETHER_MAX
            and (raw := self._channel.peek()) is not None
            and (other := self._alike(row, raw)) is not None
            and together.are_alike(cmd, other)
        ):
            self._channel.skip()
            found.append((raw.tag, other))
        return found

    def _alike(self, row: Command, raw: RawCommand) -> object | None:
        """The arguments of a command if it is the same one and nothing is wrong with it."""
        try:
            if self.context.utf8 and not _is_utf8(raw):
                return None
            other, cmd = self._parse(raw.tag, Scanner(raw))
        except (GrammarError, CommandError, LimitError, CharsetError):
            return None
        return cmd if other is row else None

    async def _several(self, row: Command, commands: Sequence[tuple[bytes, object]]) -> None:
        """Carry out commands at once, and answer each in its turn."""
        self.context.running, self.context.arguments = row.name, commands[0][1]
        cmds = [cmd for _, cmd in commands]
        replies = await self._carry_out(TOGETHER[row.name].handler, row, cmds)
        if isinstance(replies, Reply):  # it failed, and so for all
            replies = [replies] * len(cmds)
        for (tag, cmd), reply in zip(commands, replies, strict=True):
            if self.context.state is State.LOGOUT and reply is None:
                return  # nothing is carried out any more; what has been is answered
            await self._one(row, tag, cmd, reply)

    def _row(self, tag: bytes, scanner: Scanner) -> Command:
        """Return the command's row, the scanner standing before its arguments."""
        if not tag:
            raise GrammarError("expected a tag and a command")
        scanner.expect(tag)
        scanner.space()
        name = scanner.word("a command").decode("ascii")
        if name == "UID":
            scanner.space()
            name += " " + scanner.word("a command").decode("ascii")
        row = COMMANDS.get(name)
        if row is None:
            raise GrammarError("unknown command")
        if not row.fits(self.context.state):
            raise GrammarError(_out_of_place(row, self.context.state))
        return row

    def _parse(self, tag: bytes, scanner: Scanner) -> tuple[Command, object]:
        """Return the command's row and its typed arguments."""
        row = self._row(tag, scanner)
        cmd = row.parse(scanner)
        if self.context.uidonly and Use.READS in row.sequence_numbers:
            # RFC 9586 section 3: a command in the grammar, by numbers that this client gave up.
            raise CommandError(f"expected UID {row.name}", b"UIDREQUIRED")
        return row, cmd

    async def _carry_out(
        self, handler: Callable[[Context, Any], Awaitable[T]], row: Command, cmd: object
    ) -> T | Reply:
        """Run a handler; turn failures into replies."""
        try:
            await renew(self.context)
            return await handler(self.context, cmd)
        except NoLongerError as error:
            self.context.unselect()  # before anything more of it is told
            self.goodbye(error.reply.text)
            return no(error.reply.text, error.imap_code.encode("ascii"))
        except MailError as error:
            if error.detail:
                logger.info("command refused", extra={"command": row.name, "detail": error.detail})
            if isinstance(error, NotFound) and self.context.selected is not None:
                self.context.selected.held.doubt()  # is it the selected one that is gone?
            return no(error.reply.text, error.imap_code.encode("ascii"))
        except (CommandError, NoMessageError, ConnectionError, TimeoutError, ShutdownError):
            raise
        except Exception:
            logger.exception("command failed", extra={"command": row.name})
            return no("Something went wrong here", b"SERVERBUG")

    async def _finish(self, tag: bytes, row: Command, reply: Reply) -> None:
        """Tell what is new, answer, and do what has to follow the answer."""
        self._bad = 0
        context = self.context
        if context.selected is not None:
            await self._tell(row)
        for one in context.news:
            await one.tell(context)
        if context.new_limits:
            self._channel.new_limits(signed_in=True)
            context.new_limits = False
        self._channel.write(tagged(tag, reply.condition, reply.text, reply.code))
        if reply.afterwards is not None:
            reply.afterwards()
        if row.name == "STARTTLS" and reply.condition == b"OK":
            await self._channel.start_tls()
            context.client = ""

    async def _tell(self, row: Command) -> None:
        held = self.context.mailbox.held
        if held.is_stale and not held.is_gone:
            try:
                await self.context.refresh()
            except MailError as error:  # the next command tries again
                logger.info("no news for now", extra={"detail": str(error)})
        if held.is_gone:
            self.goodbye("The selected mailbox has been deleted")
            return
        is_answer = Use.BREAKS in row.sequence_numbers
        await tell(self.context, expunges=self._may_expunge(row), is_answer=is_answer)

    def _may_expunge(self, row: Command) -> bool:
        """Whether EXPUNGE may be told now.

        A client that has sent more already counted by the numbers it knows. RFC 3501 section 5.5
        forbids it to use numbers there, and some do: better an EXPUNGE that comes a command later
        than a STORE that hits another message. Not for a command whose answer the EXPUNGE is.
        """
        if Use.BREAKS in row.sequence_numbers:
            return True
        return row.may_expunge and not self._channel.has_heard_more


def _out_of_place(row: Command, state: State) -> str:
    """Say what the command would need."""
    if row.only_there and state > row.needs:
        return f"expected {row.name} only before signing in"
    if state is State.NOT_AUTHENTICATED:
        return f"expected LOGIN or AUTHENTICATE before {row.name}"
    return f"expected SELECT or EXAMINE before {row.name}"


def _is_foreign(raw: RawCommand) -> bool:
    first = raw.tokens[0]
    return isinstance(first, bytes) and is_foreign(first)


def _is_utf8(raw: RawCommand) -> bool:
    """Whether all but its literals is UTF-8, as a client that enabled it must write (RFC 6855
    section 3)."""
    try:
        for token in raw.tokens:
            if isinstance(token, bytes):
                token.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
