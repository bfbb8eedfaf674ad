"""SUBSCRIBE, UNSUBSCRIBE, CREATE, DELETE, RENAME (RFC 3501 section 6.3)."""

from __future__ import annotations

from apps.imap.context import Context, Reply, no
from apps.imap.handlers.registry import command
from apps.imap.naming import mailbox_named, name_of
from apps.imap.proto.commands import (
    Mailbox,
    Rename,
    parse_create,
    parse_mailbox,
    parse_rename,
)
from apps.imap.proto.patterns import DELIMITER
from apps.mailstore import queries
from apps.mailstore.models import SpecialUse
from apps.mailstore.services import mailboxes as service
from apps.runtime.db import in_db
from apps.wire.errors import InvalidName, NotFound


@command("SUBSCRIBE", parse=parse_mailbox)
async def subscribe(context: Context, cmd: Mailbox) -> Reply:
    """Section 6.3.6."""
    place = await mailbox_named(context, cmd.name)
    await in_db("work", service.subscribe, user_id=context.user_id, name=place.name)
    return Reply("Subscribed")


@command("UNSUBSCRIBE", parse=parse_mailbox)
async def unsubscribe(context: Context, cmd: Mailbox) -> Reply:
    """Section 6.3.7; the mailbox may be gone long since."""
    await in_db(
        "work", service.unsubscribe, user_id=context.user_id, name=name_of(context, cmd.name)
    )
    return Reply("Unsubscribed")


@command("CREATE", parse=parse_create)
async def create(context: Context, cmd: Mailbox) -> Reply:
    """Section 6.3.3; missing levels above are made too."""
    await in_db("work", service.create, user_id=context.user_id, name=name_of(context, cmd.name))
    return Reply("Created")


@command("DELETE", parse=parse_mailbox)
async def delete(context: Context, cmd: Mailbox) -> Reply:
    """Section 6.3.4; what is below stays. Deleting the selected mailbox leaves it first."""
    try:
        place = await mailbox_named(context, cmd.name)
    except NotFound:
        if await _is_level(context, cmd.name):
            return no("Only a level above other mailboxes: delete those", b"HASCHILDREN")
        raise
    if place.row.special_use == SpecialUse.INBOX:
        return no("INBOX cannot be deleted", b"CANNOT")
    await in_db(
        "work", service.delete, user_id=context.user_id, name=place.row.name, origin=context.origin
    )
    if context.selected is not None and context.selected.mailbox_id == place.id:
        context.unselect()
    return Reply("Deleted")


async def _is_level(context: Context, raw: bytes) -> bool:
    """Whether mailboxes lie below this name, which is that of none."""
    try:
        below = name_of(context, raw) + DELIMITER
    except InvalidName:
        return False
    rows = await in_db("read", queries.mailboxes, context.user_id)
    return any(row.name.startswith(below) for row in rows)


@command("RENAME", parse=parse_rename)
async def rename(context: Context, cmd: Rename) -> Reply:
    """Section 6.3.5; INBOX keeps its name and gives its messages away."""
    try:
        source = name_of(context, cmd.source)
    except InvalidName:
        raise NotFound(text="No such mailbox") from None
    await in_db(
        "work",
        service.rename,
        user_id=context.user_id,
        name=source,
        to=name_of(context, cmd.target),
        origin=context.origin,
    )
    return Reply("Renamed")
