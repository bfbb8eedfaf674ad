"""RETR and TOP (RFC 1939 sections 5 and 7): messages as multi-line responses.

A message is read and sent in pieces of at most `CHUNK`, each after the client has read most of the
one before: memory does not depend on its size. A small one is a single statement and a single
write, and a client that fetches one after the other gets the next ones read ahead.
"""

from __future__ import annotations

from apps.pop3.context import Context, State
from apps.pop3.handlers.listing import chosen
from apps.pop3.handlers.registry import command
from apps.pop3.maildrop import CHUNK, Opened, open_messages, top
from apps.pop3.proto.commands import Command
from apps.runtime.db import in_db
from apps.wire.errors import MailError


@command("RETR", State.TRANSACTION)
async def retr(context: Context, command: Command) -> None:
    """A whole message; QUIT will mark it \\Seen."""
    number = chosen(context, command)
    drop, ahead = context.drop, context.ahead
    opened = ahead.take(number)
    if opened is None:
        wanted = ahead.wanted(drop, number)
        found = await in_db("read", open_messages, drop, wanted)
        opened = found.pop(number)
        ahead.keep(found)
    if isinstance(opened, MailError):
        raise opened
    await _send(context, opened, f"{drop.sizes[number - 1]} octets")
    drop.read.add(number)


@command("TOP", State.TRANSACTION, capability="TOP")
async def top_(context: Context, command: Command) -> None:
    """The header and the first lines of the body; QUIT will not mark it \\Seen."""
    number = chosen(context, command)
    opened = await in_db("read", top, context.drop, number, command.numbers[1])
    await _send(context, opened, "Top of the message")


async def _send(context: Context, opened: Opened, text: str) -> None:
    lines = b"+OK %b\r\n%b" % (text.encode("ascii"), opened.first)
    for start in range(CHUNK, opened.end, CHUNK):
        context.channel.write(lines)
        await context.channel.drain()
        try:
            lines = await in_db("read", opened.piece, start)
        except MailError:
            # It has begun: only the end of the connection can tell that it is not whole.
            raise ConnectionAbortedError from None
    context.channel.write(lines + opened.close())
