"""LIST, LSUB, SUBSCRIBE, UNSUBSCRIBE, CREATE, DELETE, RENAME (RFC 3501 section 6.3)."""

from __future__ import annotations

from collections.abc import Sequence

from apps.imap.context import Context, Reply, no
from apps.imap.handlers.registry import command
from apps.imap.listing import Listed, list_all, list_subscribed
from apps.imap.naming import mailbox_named, name_of
from apps.imap.proto.commands import (
    List,
    Mailbox,
    Rename,
    parse_create,
    parse_list,
    parse_lsub,
    parse_mailbox,
    parse_rename,
)
from apps.imap.proto.patterns import DELIMITER, Pattern
from apps.imap.proto.responses import list_line
from apps.imap.proto.utf7 import MailboxNameError, decode_name
from apps.mailstore import queries
from apps.mailstore.models import SpecialUse
from apps.mailstore.services import mailboxes as service
from apps.runtime.db import in_db
from apps.wire.errors import InvalidName, NotFound


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


@command("SUBSCRIBE", parse=parse_mailbox)
async def subscribe(context: Context, cmd: Mailbox) -> Reply:
    """Section 6.3.6."""
    row = await mailbox_named(context, cmd.name)
    await in_db("work", service.subscribe, user_id=context.user_id, name=row.name)
    return Reply("Subscribed")


@command("UNSUBSCRIBE", parse=parse_mailbox)
async def unsubscribe(context: Context, cmd: Mailbox) -> Reply:
    """Section 6.3.7; the mailbox may be gone long since."""
    await in_db("work", service.unsubscribe, user_id=context.user_id, name=name_of(cmd.name))
    return Reply("Unsubscribed")


@command("CREATE", parse=parse_create)
async def create(context: Context, cmd: Mailbox) -> Reply:
    """Section 6.3.3; missing levels above are made too."""
    await in_db("work", service.create, user_id=context.user_id, name=name_of(cmd.name))
    return Reply("Created")


@command("DELETE", parse=parse_mailbox)
async def delete(context: Context, cmd: Mailbox) -> Reply:
    """Section 6.3.4; what is below stays. Deleting the selected mailbox leaves it first."""
    try:
        row = await mailbox_named(context, cmd.name)
    except NotFound:
        if await _is_level(context, cmd.name):
            return no("Only a level above other mailboxes: delete those", b"HASCHILDREN")
        raise
    if row.special_use == SpecialUse.INBOX:
        return no("INBOX cannot be deleted", b"CANNOT")
    await in_db(
        "work", service.delete, user_id=context.user_id, name=row.name, origin=context.origin
    )
    if context.selected is not None and context.selected.mailbox_id == row.id:
        context.unselect()
    return Reply("Deleted")


async def _is_level(context: Context, raw: bytes) -> bool:
    """Whether mailboxes lie below this name, which is that of none."""
    try:
        below = name_of(raw) + DELIMITER
    except InvalidName:
        return False
    rows = await in_db("read", queries.mailboxes, context.user_id)
    return any(row.name.startswith(below) for row in rows)


@command("RENAME", parse=parse_rename)
async def rename(context: Context, cmd: Rename) -> Reply:
    """Section 6.3.5; INBOX keeps its name and gives its messages away."""
    try:
        source = name_of(cmd.source)
    except InvalidName:
        raise NotFound(text="No such mailbox") from None
    await in_db(
        "work",
        service.rename,
        user_id=context.user_id,
        name=source,
        to=name_of(cmd.target),
        origin=context.origin,
    )
    return Reply("Renamed")
