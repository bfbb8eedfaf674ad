"""GETMETADATA and SETMETADATA (RFC 5464)."""

from __future__ import annotations

from apps.imap.context import Context, Reply, no
from apps.imap.handlers.registry import command
from apps.imap.names.annotating import Key, look, may_annotate, pass_over
from apps.imap.names.listing import role_of
from apps.imap.names.naming import Place, mailbox_named
from apps.imap.proto.metadata import (
    GetMetadata,
    SetMetadata,
    parse_getmetadata,
    parse_setmetadata,
)
from apps.imap.proto.responses import metadata_line
from apps.mailstore.models import Mailbox
from apps.mailstore.services import annotations as service
from apps.mailstore.services.annotations import SHARED, SPECIAL_USE, VALUE_MAX, TooLarge, TooMany
from apps.mailstore.services.roles import NoRole
from apps.runtime.db import in_db
from apps.wire.errors import NotPermitted


@command("GETMETADATA", parse=parse_getmetadata, capability="METADATA", enables="METADATA")
async def getmetadata(context: Context, cmd: GetMetadata) -> Reply:
    """Section 4.2."""
    place = await _place(context, cmd.name)
    assert context.principal is not None
    looked = await in_db("read", look, context.user_id, context.principal.address, place, cmd)
    if looked.values:
        name = "" if place is None else place.name
        context.write(metadata_line(name, looked.values, utf8=context.utf8))
    if looked.longest:
        return Reply("Some are too long", b"METADATA LONGENTRIES %d" % looked.longest)
    return Reply("Annotations given")


async def _place(context: Context, raw: bytes) -> Place | None:
    """Return the mailbox whose notes are meant, None for the account.

    Raises:
        NotFound, NotPermitted: section 3.3.
    """
    if not raw:
        return None
    place = await mailbox_named(context, raw)
    if not may_annotate(place):
        raise NotPermitted(text="You have no right to see annotations here")
    return place


@command("SETMETADATA", parse=parse_setmetadata)
async def setmetadata(context: Context, cmd: SetMetadata) -> Reply:
    """Section 4.3: all or none."""
    place = await _place(context, cmd.name)
    values = {entry.decode("ascii"): value for entry, value in cmd.values.items()}
    # Section 3.3: what all users of a server see, clients cannot write.
    may_share = place is not None and may_annotate(place, shared=True)
    if not may_share and any(entry.startswith(SHARED) for entry in values):
        return no("You may not change shared annotations here", b"NOPERM")
    use: str | None = None
    if place is not None and SPECIAL_USE in values:
        role = role_of((values.pop(SPECIAL_USE) or b"").split())
        if role is None or place.owner_id != context.user_id:
            return no("This mailbox cannot have that special use", b"USEATTR")
        use = role
    try:
        lost = await _change(context, place, values, use)
    except TooLarge as error:
        return no(error.reply.text, b"METADATA MAXSIZE %d" % VALUE_MAX)
    except TooMany as error:
        return no(error.reply.text, b"METADATA TOOMANY")
    except NoRole as error:
        return no(error.reply.text, b"USEATTR")
    mailbox_id = None if place is None else place.id
    mine: list[Key] = [(mailbox_id, entry.decode("ascii")) for entry in cmd.values]
    if lost is not None:  # RFC 6154 section 5.4 shows this line
        mine.append((lost.pk, SPECIAL_USE))
        line = metadata_line(lost.name, [(SPECIAL_USE.encode("ascii"), None)], utf8=context.utf8)
        context.write(line)
    await pass_over(context, mine)
    return Reply("Annotations set")


async def _change(
    context: Context, place: Place | None, values: dict[str, bytes | None], use: str | None
) -> Mailbox | None:
    return await in_db(
        "work",
        service.change,
        user_id=context.user_id,
        owner_id=context.user_id if place is None else place.owner_id,
        mailbox_id=None if place is None else place.id,
        values=values,
        use=use,
    )
