"""CAPA (RFC 2449), UTF8 and LANG (RFC 6856), NOOP, and QUIT with its UPDATE state (RFC 1939)."""

from __future__ import annotations

import logging

from apps.pop3 import maildrop
from apps.pop3.context import Context, RefusalError, State
from apps.pop3.handlers.registry import capabilities, command
from apps.pop3.proto.commands import Command
from apps.runtime.db import in_db

logger = logging.getLogger(__name__)

LANGUAGES = {"en": "English"}
_ALWAYS = ("RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER", "IMPLEMENTATION mailhost")


@command("CAPA", State.AUTHORIZATION, State.TRANSACTION)
async def capa(context: Context, _: Command) -> None:
    """RFC 2449 section 5; what is offered now."""
    await context.lines("Capabilities", [*capabilities(context), *_ALWAYS])


@command("UTF8", State.AUTHORIZATION, capability="UTF8 USER")
async def utf8(context: Context, _: Command) -> None:
    """RFC 6856 section 2.1: messages are sent as they are from here on, UTF-8 header and all."""
    context.utf8 = True
    context.ok("UTF-8 it is")


@command("LANG", State.AUTHORIZATION, State.TRANSACTION, capability="LANG")
async def lang(context: Context, command: Command) -> None:
    """RFC 6856 section 3: the language of our answers. `*` asks for the one that we prefer."""
    wanted = command.text.decode("ascii", "replace").strip().lower()
    if not wanted:
        await context.lines(
            "Languages", [f"{tag} {name}" for tag, name in sorted(LANGUAGES.items())]
        )
        return
    # RFC 4647 section 3.4, lookup: who asks for en-GB is served in en.
    tag = "en" if wanted == "*" else wanted.partition("-")[0]
    if tag not in LANGUAGES:
        raise RefusalError("This language is not spoken here, LANG lists those that are")
    context.ok(f"{tag} {LANGUAGES[tag]} it is")


@command("NOOP", State.TRANSACTION)
async def noop(context: Context, _: Command) -> None:
    """Nothing."""
    context.ok("Nothing done")


@command("QUIT", State.AUTHORIZATION, State.TRANSACTION)
async def quit_(context: Context, _: Command) -> None:
    """After sign-in the UPDATE state (RFC 1939 section 6); before it just goodbye.

    The lock is given back before the answer: whoever reads it may come back at once.
    """
    if context.state is State.TRANSACTION:
        await _update(context)
    else:
        context.ok("Goodbye")
    context.state = State.OVER


async def _update(context: Context) -> None:
    wanted = len(context.drop.deleted)
    try:
        gone = await in_db("work", maildrop.update, context.drop, context.origin)
    finally:
        context.state = State.OVER
        await context.unlock()
    if gone is None:
        context.ok("Goodbye")
    else:
        context.err(f"{gone} of {wanted} messages were deleted, the others are still here")
