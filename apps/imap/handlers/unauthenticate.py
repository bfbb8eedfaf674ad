"""UNAUTHENTICATE (RFC 8437): the user leaves, the connection stays.

All state goes but TLS and what ID told: what was selected, enabled, saved or asked to be told of,
and compression, from the answer on (section 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from apps.imap.context import CommandError, Context, Reply, State
from apps.imap.handlers.registry import command
from apps.imap.proto.commands import Plain


def _word(context: Context) -> Sequence[str]:
    offered = settings.IMAP_UNAUTHENTICATE and context.state is not State.NOT_AUTHENTICATED
    return ("UNAUTHENTICATE",) if offered else ()


@command("UNAUTHENTICATE", capability=_word)
async def unauthenticate(context: Context, _: Plain) -> Reply:
    """There is no NO: whoever sends it may have sent the next sign-in behind it."""
    if not settings.IMAP_UNAUTHENTICATE:
        raise CommandError("UNAUTHENTICATE is not offered here")
    context.reset()
    return Reply("Signed out", afterwards=context.channel.sign_out)
