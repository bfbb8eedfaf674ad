"""LIST and LSUB (RFC 3501 sections 6.3.8, 6.3.9)."""

from __future__ import annotations

from collections.abc import Sequence

from apps.imap.context import Context, Reply
from apps.imap.handlers.registry import command
from apps.imap.listing import Listed, list_all, list_subscribed
from apps.imap.proto.names import List, parse_list, parse_lsub
from apps.imap.proto.patterns import Pattern
from apps.imap.proto.responses import list_line
from apps.imap.proto.utf7 import MailboxNameError, decode_name
from apps.mailstore import queries
from apps.runtime.db import in_db


@command("LIST", parse=parse_list, capability="CHILDREN SPECIAL-USE")
async def list_(context: Context, cmd: List) -> Reply:
    """Mailboxes whose names match; an empty pattern asks for the delimiter only."""
    if not cmd.pattern and not cmd.extended:
        context.write(b'* LIST (\\Noselect) "/" ""\r\n')
        return Reply("Listed")
    text = _pattern(cmd)
    if text is not None:
        rows = await in_db("read", queries.mailboxes, context.user_id)
        names = {row.name: row.special_use for row in rows}
        _write(context, b"LIST", list_all(names, Pattern(text), only_special=cmd.only_special))
    return Reply("Listed")


@command("LSUB", parse=parse_lsub)
async def lsub(context: Context, cmd: List) -> Reply:
    """As LIST, of the names subscribed to."""
    text = _pattern(cmd)
    if text is not None:
        names = await in_db("read", queries.subscriptions, context.user_id)
        rows = await in_db("read", queries.mailboxes, context.user_id)
        found = list_subscribed(names, {row.name for row in rows}, Pattern(text), text=text)
        _write(context, b"LSUB", found)
    return Reply("Listed")


def _pattern(cmd: List) -> str | None:
    """Return reference and pattern as one text; None, matching nothing, if it cannot be a name."""
    try:
        return decode_name(cmd.reference + cmd.pattern)
    except MailboxNameError:
        return None


def _write(context: Context, verb: bytes, found: Sequence[Listed]) -> None:
    context.write(b"".join([list_line(verb, one.attributes, one.name) for one in found]))
