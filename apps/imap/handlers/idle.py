"""IDLE (RFC 2177): news as they come."""

from __future__ import annotations

import logging
from functools import partial

from apps.imap.context import CommandError, Context, Reply, Woken
from apps.imap.handlers.registry import command
from apps.imap.names.naming import renew
from apps.imap.proto.commands import Plain
from apps.imap.proto.responses import untagged
from apps.imap.telling import tell
from apps.wire.errors import MailError, NotFound
from apps.wire.lines import RawCommand

logger = logging.getLogger(__name__)


@command("IDLE", capability="IDLE")
async def idle(context: Context, _: Plain) -> Reply:
    """Tell until the client says DONE. No sequence number can be in use, so EXPUNGE is told too."""
    context.write(b"+ idling\r\n")
    selected = context.selected
    if selected is None:
        await _tell(context)
        return await _until_done(context)
    # Before the look at the database: what happens after the look must wake us. A function of our
    # own, for NOTIFY may have one there too.
    wake = partial(_poke, context)
    selected.held.idlers.add(wake)
    try:
        await _look(context)
        await _tell(context)
        return await _until_done(context)
    finally:
        selected.held.idlers.discard(wake)


def _poke(context: Context) -> None:
    context.channel.poke()


async def _until_done(context: Context) -> Reply:
    while True:
        await context.channel.drain()
        event = await context.channel.event_or_poke()
        if isinstance(event, RawCommand):
            if _is_done(event):
                return Reply("Idle ended")
            raise CommandError("Expected DONE")
        if not isinstance(event, Woken):
            raise CommandError("Expected DONE")
        if event is Woken.SILENCE:
            context.write(untagged(b"OK", "Still here"))
            if context.selected is not None:
                await _look(context)  # events may get lost: look at the rows now and then
        if context.selected is not None and context.selected.held.is_gone:
            raise NotFound(text="The mailbox has been deleted")  # the dispatcher says BYE
        await _tell(context)


async def _tell(context: Context) -> None:
    await renew(context)
    await tell(context, expunges=True)
    for one in context.news:
        await one.tell(context)


def _is_done(event: RawCommand) -> bool:
    """Whether the line is DONE, which as every word of the grammar is known in any case."""
    line = event.tokens[0]
    return isinstance(line, bytes) and len(event.tokens) == 1 and line.upper() == b"DONE"


async def _look(context: Context) -> None:
    """Bring the mailbox up to date; a database that is away for a moment does not end IDLE."""
    try:
        await context.refresh()
    except NotFound:
        raise
    except MailError as error:
        logger.info("no news for now", extra={"detail": str(error)})
