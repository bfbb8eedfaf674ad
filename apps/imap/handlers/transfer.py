"""COPY and MOVE, by sequence numbers and UIDs (RFC 3501 section 6.4.7, RFC 6851), with COPYUID.

Flags go along where the user may set them in the target (RFC 4314 section 4). UIDs in the target
rise in the order of those in the source.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from apps.imap.context import Context, Reply, State, no
from apps.imap.handlers.append import kept_flags
from apps.imap.handlers.registry import Use, command
from apps.imap.names.naming import Place, target_named
from apps.imap.proto.commands import Transfer, parse_transfer
from apps.imap.proto.responses import untagged
from apps.imap.proto.sets import format_set
from apps.mailstore.services import copy as service
from apps.mailstore.services.copy import Copied, Kept
from apps.runtime.db import in_db
from apps.wire.errors import NotFound

P = ParamSpec("P")
# Sections 6.3.11 and 6.4.7: not NONEXISTENT; the client may create the mailbox and try again.
_TRYCREATE = no("No such mailbox", b"TRYCREATE")


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
    """Copy all that is named or nothing; what others have just expunged is copied too."""
    _, uids = context.mailbox.view.pick(cmd.numbers, uid=uid)
    try:
        target = await target_named(context, cmd.name)
    except NotFound:
        return _TRYCREATE
    if not uids:
        return Reply("Nothing to copy")
    copied, code = await in_db(
        "work",
        _done,
        service.copy,
        target,
        mailbox_id=context.mailbox.mailbox_id,
        uids=uids,
        target_id=target.id,
        origin=context.origin,
        kept=_kept(target),
        all_or_nothing=True,
    )
    if not copied.uids:
        return no("Nothing copied: some of the messages no longer exist", b"EXPUNGEISSUED")
    context.did(target.id, [copied.modseq])
    if target.id == context.mailbox.mailbox_id:
        await context.refresh()
    return Reply("Copied", code)


async def _move(context: Context, cmd: Transfer, *, uid: bool) -> Reply:
    """Move what is still there; each message is in one of the two mailboxes at any time."""
    _, uids = context.mailbox.view.pick(cmd.numbers, uid=uid)
    if context.mailbox.read_only:
        return no("The mailbox is read-only", b"READ-ONLY")
    context.mailbox.place.require("te")  # RFC 6851 section 4.2: as STORE of \Deleted and EXPUNGE
    try:
        target = await target_named(context, cmd.name)
    except NotFound:
        return _TRYCREATE
    if not uids:
        return Reply("Nothing to move")
    moved, code = await in_db(
        "work",
        _done,
        service.move,
        target,
        mailbox_id=context.mailbox.mailbox_id,
        uids=uids,
        target_id=target.id,
        origin=context.origin,
        kept=_kept(target),
    )
    await context.refresh()
    if not moved.uids:
        return Reply("None of the messages exist any more", b"EXPUNGEISSUED")
    context.did(target.id, [moved.modseq])
    if code:
        # RFC 6851 section 4.3: before the EXPUNGE lines, so in an untagged OK.
        context.write(untagged(b"OK", "Moved", code))
    if len(moved.uids) < len(uids):
        context.write(untagged(b"OK", "Some of the messages no longer exist", b"EXPUNGEISSUED"))
    # Section 4.4; behind the EXPUNGE lines: who has it has heard of all up to there.
    return Reply("Moved", b"HIGHESTMODSEQ %d" % context.mailbox.held.mirror.modseq)


def _kept(target: Place) -> Kept:
    return Kept(kept_flags(target), target.may("w"))


def _done(
    transfer: Callable[P, Copied], target: Place, *args: P.args, **kwargs: P.kwargs
) -> tuple[Copied, bytes]:
    """Do it, on the database's thread, and write the COPYUID code there too: it may be one of a
    hundred thousand messages. There is none for who may not read the target (RFC 4315 section
    3)."""
    copied = transfer(*args, **kwargs)
    if not (copied.uids and target.may("r")):
        return copied, b""
    old = format_set([pair[0] for pair in copied.uids])
    new = format_set([pair[1] for pair in copied.uids])
    return copied, b"COPYUID %d %b %b" % (copied.uidvalidity, old, new)
