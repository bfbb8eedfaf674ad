"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314) and NAMESPACE (RFC 2342).

An identifier is an address of somebody of the owner's organisation, or `anyone` of it. The owner
comes first in every list and has all rights for good. There are no negative rights.
"""

from __future__ import annotations

from apps.imap.context import Context, Reply
from apps.imap.handlers.registry import command
from apps.imap.names.naming import ALL_RIGHTS, mailbox_named, place_named, readable_name
from apps.imap.proto.acl import (
    EXTRA,
    Change,
    MailboxAndIdentifier,
    SetAcl,
    acl_line,
    listrights_line,
    myrights_line,
    parse_mailbox_and_identifier,
    parse_setacl,
)
from apps.imap.proto.commands import Mailbox, Plain, parse_mailbox
from apps.imap.proto.patterns import DELIMITER
from apps.imap.proto.responses import mailbox_name
from apps.mailstore import shares
from apps.mailstore.namespaces import NAMESPACES
from apps.mailstore.services import sharing as service
from apps.runtime.db import in_db
from apps.wire.errors import NotFound

_CHANGES = {
    Change.REPLACE: service.grant,
    Change.ADD: service.extend,
    Change.REMOVE: service.reduce,
}


@command("SETACL", parse=parse_setacl, capability=f"ACL RIGHTS={EXTRA}")
async def setacl(context: Context, cmd: SetAcl) -> Reply:
    """Section 3.1."""
    place = await mailbox_named(context, cmd.name, "a")
    await in_db(
        "work",
        _CHANGES[cmd.change],
        mailbox_id=place.id,
        to=cmd.identifier,
        rights=cmd.rights,
        origin=context.origin,
    )
    return Reply("Rights set")


@command("DELETEACL", parse=parse_mailbox_and_identifier)
async def deleteacl(context: Context, cmd: MailboxAndIdentifier) -> Reply:
    """Section 3.2."""
    place = await mailbox_named(context, cmd.name, "a")
    await in_db(
        "work",
        service.revoke,
        mailbox_id=place.id,
        to=cmd.identifier,
        origin=context.origin,
    )
    return Reply("Rights taken back")


@command("GETACL", parse=parse_mailbox)
async def getacl(context: Context, cmd: Mailbox) -> Reply:
    """Section 3.3."""
    place = await mailbox_named(context, cmd.name, "a")
    owner, given = await in_db("read", _list, place.owner_id, place.id)
    entries = [(owner, ALL_RIGHTS)]
    entries += [(one.key or service.ANYONE, frozenset(one.rights)) for one in given]
    context.write(acl_line(mailbox_name(place.name, utf8=context.utf8), entries))
    return Reply("Rights listed")


def _list(owner_id: int, mailbox_id: int) -> tuple[str, list[shares.Grant]]:
    return shares.owner_key(owner_id), shares.grants(mailbox_id)


@command("LISTRIGHTS", parse=parse_mailbox_and_identifier)
async def listrights(context: Context, cmd: MailboxAndIdentifier) -> Reply:
    """Section 3.4; the identifier comes back as it was sent."""
    place = await mailbox_named(context, cmd.name, "a")
    user = await in_db("read", service.holder, place.owner_id, cmd.identifier)
    always = ALL_RIGHTS if user is not None and user.pk == place.owner_id else frozenset[str]()
    name = mailbox_name(place.name, utf8=context.utf8)
    context.write(listrights_line(name, cmd.as_sent, always))
    return Reply("Rights listed")


@command("MYRIGHTS", parse=parse_mailbox)
async def myrights(context: Context, cmd: Mailbox) -> Reply:
    """Section 3.5; takes one of the rights that tell of more than a mailbox's name (section 4)."""
    place = await place_named(context, readable_name(context, cmd.name))
    if place.rights.isdisjoint("lrikxa"):
        raise NotFound(text="No such mailbox")
    context.write(myrights_line(mailbox_name(place.name, utf8=context.utf8), place.rights))
    return Reply("Rights listed")


@command("NAMESPACE", capability="NAMESPACE")
async def namespace(context: Context, _: Plain) -> Reply:
    """RFC 2342: one's own mailboxes at the root, those of others, those of shared mailboxes."""
    others, shared = (
        b'((%b "/"))' % mailbox_name(prefix + DELIMITER, utf8=context.utf8) for prefix in NAMESPACES
    )
    context.write(b'* NAMESPACE (("" "/")) %b %b\r\n' % (others, shared))
    return Reply("Namespaces listed")
