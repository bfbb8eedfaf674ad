"""COPY and MOVE, by sequence numbers and UIDs (RFC 3501 section 6.4.7, RFC 6851), with COPYUID."""

from __future__ import annotations

from apps.imap.context import Context, Reply, State, no
from apps.imap.handlers.registry import Use, command
from apps.imap.naming import target_named
from apps.imap.proto.commands import Transfer, parse_transfer
from apps.imap.proto.responses import untagged
from apps.imap.proto.sets import format_set
from apps.mailstore.services import copy as service
from apps.mailstore.services.copy import Copied
from apps.runtime.db import in_db
from apps.wire.errors import NotFound


@command("COPY", parse=parse_transfer, needs=State.SELECTED, sequence_numbers=Use.READS)
async def copy(context: Context, cmd: Transfer) -> Reply:
    """By sequence numbers."""
    return await _copy(context, cmd, uid=False)


@command("UID COPY", parse=parse_transfer, needs=State.SELECTED)
async def uid_copy(context: Context, cmd: Transfer) -> Reply:
    """By UIDs."""
    return await _copy(context, cmd, uid=True)


@command(
    "MOVE",
    parse=parse_transfer,
    needs=State.SELECTED,
    capability="MOVE",
    sequence_numbers=Use.READS | Use.BREAKS,
)
async def move(context: Context, cmd: Transfer) -> Reply:
    """By sequence numbers."""
    return await _move(context, cmd, uid=False)


@command("UID MOVE", parse=parse_transfer, needs=State.SELECTED, sequence_numbers=Use.BREAKS)
async def uid_move(context: Context, cmd: Transfer) -> Reply:
    """By UIDs."""
    return await _move(context, cmd, uid=True)


async def _copy(context: Context, cmd: Transfer, *, uid: bool) -> Reply:
    _, uids = context.mailbox.view.pick(cmd.numbers, uid=uid)
    copied = await _transfer(context, cmd, uids, moving=False)
    if copied is None:
        return no("No such mailbox", b"TRYCREATE")
    return _reply(context, uids, "Copied", copyuid(copied))


async def _move(context: Context, cmd: Transfer, *, uid: bool) -> Reply:
    _, uids = context.mailbox.view.pick(cmd.numbers, uid=uid)
    if context.mailbox.read_only:
        return no("The mailbox is read-only", b"READ-ONLY")
    moved = await _transfer(context, cmd, uids, moving=True)
    if moved is None:
        return no("No such mailbox", b"TRYCREATE")
    if code := copyuid(moved):
        # RFC 6851 section 4.3: before the EXPUNGE lines, so in an untagged OK.
        context.write(untagged(b"OK", "Moved", code))
    return _reply(context, uids, "Moved", b"")


async def _transfer(
    context: Context, cmd: Transfer, uids: list[int], *, moving: bool
) -> Copied | None:
    """Copy or move; None if there is no such mailbox (section 6.4.7: TRYCREATE)."""
    selected = context.mailbox
    try:
        target = await target_named(context, cmd.name)
    except NotFound:
        return None
    if not uids:
        return Copied(target.counters.uidvalidity, [])
    done = await in_db(
        "work",
        service.move if moving else service.copy,
        mailbox_id=selected.mailbox_id,
        uids=uids,
        target_id=target.id,
        origin=context.origin,
    )
    if moving or target.id == selected.mailbox_id:
        await context.refresh()
    return done


def _reply(context: Context, uids: list[int], text: str, code: bytes) -> Reply:
    if any(context.mailbox.view.is_gone(uid) for uid in uids) and text == "Copied":
        return no("Some of the messages no longer exist", b"EXPUNGEISSUED")
    return Reply(text, code)


def copyuid(copied: Copied) -> bytes:
    """Return the COPYUID code (RFC 4315 section 3); empty if nothing was copied."""
    if not copied.uids:
        return b""
    old = format_set([pair[0] for pair in copied.uids])
    new = format_set([pair[1] for pair in copied.uids])
    return b"COPYUID %d %b %b" % (copied.uidvalidity, old, new)
