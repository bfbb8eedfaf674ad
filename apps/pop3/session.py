"""The dispatcher: from lines to answers, for one connection (RFC 1939). No sockets.

Promises: commands in order, one answer each; nothing is deleted before QUIT, nothing at all when
the connection just ends; a `MailError` becomes -ERR with a response code (RFC 2449, RFC 3206), any
other exception is logged and becomes -ERR [SYS/TEMP]; whatever ends it, the lock is given back.
"""

from __future__ import annotations

import logging
from typing import Final

from django.conf import settings

from apps.pop3.context import Channel, Context, RefusalError, State
from apps.pop3.handlers.registry import COMMANDS, Row, load
from apps.pop3.lock import Locks
from apps.pop3.proto.commands import Command, ForeignError, GrammarError, parse
from apps.runtime.conversation import ShutdownError
from apps.wire.errors import AuthenticationFailed, MailError

logger = logging.getLogger(__name__)

BAD_BEFORE_LOGIN: Final = 10
"""Commands refused before sign-in, failed sign-ins among them, until the connection ends."""
BAD_IN_A_ROW: Final = 50
"""The same after it, in a row."""

load()


class Session:
    """One client's conversation."""

    def __init__(self, channel: Channel, locks: Locks) -> None:
        self.context = Context(channel, locks)
        self._channel = channel

    async def run(self) -> None:
        """Greet, then serve until QUIT."""
        context = self.context
        context.ok(f"{settings.MAIL_HOSTNAME} ready")
        try:
            while context.state is not State.OVER:
                await self._channel.drain()
                await self.handle(await self._channel.next_line())
            await self._channel.drain()
        except TimeoutError:
            context.err("Too long without a command", "SYS/TEMP")
        except ShutdownError as error:
            context.err(str(error), "SYS/TEMP")
        finally:
            await context.unlock()

    async def handle(self, line: bytes) -> None:
        """Carry out one command."""
        try:
            command = parse(line)
            row = self._row(command)
            await self._carry_out(row, command)
        except ForeignError:
            self._channel.foreign()
            self.context.err("This is a POP3 server")
            self.context.state = State.OVER
        except GrammarError as error:
            self._refuse(f"Syntax error: {error}")
        except RefusalError as refusal:
            self._refuse(str(refusal))

    def _row(self, command: Command) -> Row:
        row = COMMANDS[command.verb]
        if self.context.state not in row.states:
            raise RefusalError("Not possible in this state")
        return row

    async def _carry_out(self, row: Row, command: Command) -> None:
        """Run the handler; turn failures into answers."""
        context = self.context
        try:
            await row.handler(context, command)
        except AuthenticationFailed as error:
            self._refuse(error.reply.text, "AUTH")
        except MailError as error:
            if error.detail:
                extra = {"command": command.verb, "detail": error.detail}
                logger.info("command refused", extra=extra)
            context.fail(error)
        except (GrammarError, RefusalError, ConnectionError, TimeoutError, ShutdownError):
            raise
        except Exception:
            logger.exception("command failed", extra={"command": command.verb})
            context.err("Something went wrong here", "SYS/TEMP")
        else:
            if context.state is State.TRANSACTION:
                context.bad = 0

    def _refuse(self, text: str, code: str = "") -> None:
        """Answer -ERR, and count: a client that only sends nonsense is no client."""
        context = self.context
        context.err(text, code)
        context.bad += 1
        is_stranger = context.state is State.AUTHORIZATION
        if context.bad >= (BAD_BEFORE_LOGIN if is_stranger else BAD_IN_A_ROW):
            context.state = State.OVER
