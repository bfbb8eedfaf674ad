"""GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208).

Every user has one quota root, whose limit all of the user's mailboxes share: STORAGE, in units of
1,024 octets. Mail that has been accepted for the user and waits to be filed counts already. Who may
read a mailbox of another may know how full that other is (section 6), nobody else may (section 8).
Limits are an administrator's to set, so QUOTASET is not announced.
"""

from __future__ import annotations

from apps.imap.context import Context, Reply
from apps.imap.handlers.registry import command
from apps.imap.names.naming import foreign, foreign_places, making, name_of, place_named
from apps.imap.proto.commands import Mailbox, parse_mailbox
from apps.imap.proto.quota import (
    Root,
    parse_getquota,
    parse_setquota,
    quota_line,
    quotaroot_line,
)
from apps.imap.proto.responses import mailbox_name
from apps.mailstore import queries, shares
from apps.mailstore.queries import UsageRow
from apps.runtime.db import in_db
from apps.wire.errors import NotFound, NotPermitted

_PREFIX = "user/"
_UNIT = 1_024
_NO_ROOT = "No such quota root"


@command("GETQUOTA", parse=parse_getquota, capability="QUOTA QUOTA=RES-STORAGE")
async def getquota(context: Context, cmd: Root) -> Reply:
    """Section 4.1.1: of oneself, or of somebody whose mail one may read."""
    owner_id = await _owner_of(context, cmd)
    root, usage = await in_db("read", _read, owner_id)
    context.write(quota_line(root, _resources(usage)))
    return Reply("Quota told")


@command("GETQUOTAROOT", parse=parse_mailbox)
async def getquotaroot(context: Context, cmd: Mailbox) -> Reply:
    """Section 4.1.2; the mailbox need not be there yet."""
    name = name_of(context, cmd.name)
    root, usage = await in_db("read", _read, await _payer(context, cmd.name, name))
    context.write(quotaroot_line(mailbox_name(name, utf8=context.utf8), [root]))
    context.write(quota_line(root, _resources(usage)))
    return Reply("Quota told")


@command("SETQUOTA", parse=parse_setquota)
async def setquota(context: Context, cmd: Root) -> Reply:
    """Section 4.1.3."""
    await _owner_of(context, cmd)
    raise NotPermitted(text="Quotas are set by the administrator")


async def _payer(context: Context, raw: bytes, name: str) -> int:
    """Return whose quota a mailbox counts in, or would.

    Raises:
        NotFound, NotPermitted: not without the right to read it, or to make it.
    """
    if foreign(name) is None:
        return context.user_id
    try:
        place = await place_named(context, name)
    except NotFound as error:
        try:
            return (await making(context, raw)).owner_id
        except NotPermitted:
            raise error from None
    place.require("r")
    return place.owner_id


async def _owner_of(context: Context, cmd: Root) -> int:
    """Return whose root it is.

    Raises:
        NotFound: there is none, or it is of somebody whose mail this user may not read.
    """
    try:
        name = cmd.name.decode("utf-8")
    except UnicodeDecodeError:
        raise NotFound(text=_NO_ROOT) from None
    if name == await in_db("read", _root, context.user_id):
        return context.user_id
    for place in await foreign_places(context):
        if place.may("r") and name == _PREFIX + place.owner_key:
            return place.owner_id
    raise NotFound(text=_NO_ROOT)


def _root(user_id: int) -> str:
    return _PREFIX + shares.owner_key(user_id)


def _read(user_id: int) -> tuple[str, UsageRow]:
    return _root(user_id), queries.usage(user_id)


def _resources(usage: UsageRow) -> list[tuple[bytes, int, int]]:
    """What is limited; a limit that is no whole unit is told as less, a usage as more."""
    if not usage.quota:
        return []
    used = -(-usage.used // _UNIT)
    return [(b"STORAGE", used, max(1, usage.quota // _UNIT))]
