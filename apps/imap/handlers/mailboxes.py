"""SUBSCRIBE, UNSUBSCRIBE, CREATE, DELETE, RENAME (RFC 3501 section 6.3)."""

from __future__ import annotations

from apps.imap.context import Context, Reply, no
from apps.imap.handlers.registry import command
from apps.imap.names.listing import role_of
from apps.imap.names.naming import all_places, foreign, mailbox_named, making, name_of
from apps.imap.proto.commands import Mailbox, Rename, parse_mailbox, parse_rename
from apps.imap.proto.names import Create, parse_create
from apps.imap.proto.patterns import DELIMITER
from apps.imap.proto.responses import list_line, mailbox_id, old_name
from apps.mailstore.models import SpecialUse
from apps.mailstore.services import mailboxes as service
from apps.runtime.db import in_db
from apps.wire.errors import InvalidName, NotFound, NotPermitted


@command("SUBSCRIBE", parse=parse_mailbox)
async def subscribe(context: Context, cmd: Mailbox) -> Reply:
    """Section 6.3.6."""
    place = await mailbox_named(context, cmd.name, "l")
    subscribing = (
        service.subscribe if place.owner_id == context.user_id else service.subscribe_shared
    )
    await in_db("work", subscribing, user_id=context.user_id, name=place.name)
    return Reply("Subscribed")


@command("UNSUBSCRIBE", parse=parse_mailbox)
async def unsubscribe(context: Context, cmd: Mailbox) -> Reply:
    """Section 6.3.7; the mailbox may be gone long since."""
    await in_db(
        "work", service.unsubscribe, user_id=context.user_id, name=name_of(context, cmd.name)
    )
    return Reply("Unsubscribed")


@command("CREATE", parse=parse_create, capability="CREATE-SPECIAL-USE")
async def create(context: Context, cmd: Create) -> Reply:
    """Section 6.3.3; missing levels above are made too."""
    new = await making(context, cmd.name)
    by_another = new.owner_id != context.user_id
    role = role_of(cmd.uses)
    if role is None or (role and by_another):  # RFC 6154 section 3: nothing is made then
        return no("No mailbox can have that special use", b"USEATTR")
    made = await in_db(
        "work",
        service.create,
        user_id=new.owner_id,
        name=new.name,
        special_use=role,
        by_another=by_another,
    )
    _tell_name(context, cmd.name, name_of(context, cmd.name))
    # RFC 8474 section 4.1
    return Reply("Created", b"MAILBOXID (%b)" % mailbox_id(made.pk))


def _tell_name(
    context: Context, supplied: bytes, name: str, attributes: tuple[bytes, ...] = ()
) -> None:
    """Say what the name is that a client spelt in another way (RFC 9051 section 6.3.9.7)."""
    if context.rev2 and (item := old_name(supplied, name)):
        context.write(list_line(b"LIST", attributes, name, utf8=True, extended=item))


@command("DELETE", parse=parse_mailbox)
async def delete(context: Context, cmd: Mailbox) -> Reply:
    """Section 6.3.4; what is below stays. Deleting the selected mailbox leaves it first."""
    try:
        place = await mailbox_named(context, cmd.name, "x")
    except NotFound:
        if await _is_level(context, cmd.name):
            return no("Only a level above other mailboxes: delete those", b"HASCHILDREN")
        raise
    if place.row.special_use == SpecialUse.INBOX:
        return no("INBOX cannot be deleted", b"CANNOT")
    await in_db(
        "work", service.delete, user_id=place.owner_id, name=place.row.name, origin=context.origin
    )
    if context.selected is not None and context.selected.mailbox_id == place.id:
        context.unselect()
    _tell_name(context, cmd.name, place.name, (b"\\NonExistent",))
    return Reply("Deleted")


async def _is_level(context: Context, raw: bytes) -> bool:
    """Whether mailboxes lie below this name, which is that of none."""
    try:
        below = name_of(context, raw) + DELIMITER
    except InvalidName:
        return False
    return any(place.name.startswith(below) for place in await all_places(context))


@command("RENAME", parse=parse_rename)
async def rename(context: Context, cmd: Rename) -> Reply:
    """Section 6.3.5; INBOX keeps its name and gives its messages away."""
    owner_id, source = await _leaving(context, cmd.source)
    new = await making(context, cmd.target)
    if new.owner_id != owner_id:
        return no("A mailbox stays with its owner", b"CANNOT")
    await in_db(
        "work", service.rename, user_id=owner_id, name=source, to=new.name, origin=context.origin
    )
    before, after = name_of(context, cmd.source), name_of(context, cmd.target)
    if context.rev2 and (old_name(cmd.source, before) or old_name(cmd.target, after)):
        _tell_name(context, cmd.source, after)
    return Reply("Renamed")


async def _leaving(context: Context, raw: bytes) -> tuple[int, str]:
    """Return whose mailbox is renamed, and its name; of one's own also a level that is none.

    Raises:
        NotFound, NotPermitted
    """
    try:
        name = name_of(context, raw)
        if foreign(name) is None:
            return context.user_id, name
    except InvalidName:
        raise NotFound(text="No such mailbox") from None
    place = await mailbox_named(context, raw, "x")
    if place.row.special_use == SpecialUse.INBOX:
        raise NotPermitted(text="INBOX can be emptied so by its owner only")
    return place.owner_id, place.row.name
