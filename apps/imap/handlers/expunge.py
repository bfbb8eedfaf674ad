"""EXPUNGE, UID EXPUNGE (RFC 4315), CLOSE, UNSELECT (RFC 3691).

The EXPUNGE lines are told by the dispatcher, as those of other sessions are: one way, one order.
"""

from __future__ import annotations

from contextlib import suppress

from apps.imap.context import Context, Reply, State, no
from apps.imap.handlers.registry import Use, command
from apps.imap.proto.commands import Numbers, Plain, parse_numbers
from apps.imap.selected.mirrors import Done
from apps.mailstore.services.expunge import expunge as service
from apps.runtime.db import in_db
from apps.wire.errors import NotFound

_READ_ONLY = no("The mailbox is read-only", b"READ-ONLY")


def _expunged(context: Context, done: Done) -> Reply:
    """With the modseq up to which the client knows all (RFC 7162 sections 3.2.7, 3.2.9)."""
    if not (done.expunged and context.condstore):
        return Reply("Expunged")
    modseq = context.mailbox.held.mirror.modseq
    return Reply("Expunged", b"HIGHESTMODSEQ %d" % modseq)


async def _expunge(context: Context, uids: list[int] | None) -> Done:
    mailbox_id = context.mailbox.mailbox_id
    gone = await in_db("work", service, mailbox_id=mailbox_id, uids=uids, origin=context.origin)
    modseqs = sorted({modseq for _, modseq in gone})
    return Done(modseqs, expunged=[uid for uid, _ in gone])


@command("EXPUNGE", needs=State.SELECTED, sequence_numbers=Use.BREAKS)
async def expunge(context: Context, _: Plain) -> Reply:
    """RFC 3501 section 6.4.3: all that are \\Deleted."""
    if context.mailbox.read_only:
        return _READ_ONLY
    context.mailbox.place.require("e")
    done = await _expunge(context, None)
    await context.advance(done)
    return _expunged(context, done)


@command(
    "UID EXPUNGE",
    parse=parse_numbers,
    needs=State.SELECTED,
    capability="UIDPLUS",
    sequence_numbers=Use.BREAKS,
)
async def uid_expunge(context: Context, cmd: Numbers) -> Reply:
    """RFC 4315 section 2.1: those of the set that are \\Deleted."""
    if context.mailbox.read_only:
        return _READ_ONLY
    context.mailbox.place.require("e")
    _, uids = context.mailbox.view.pick(cmd.numbers, uid=True)
    if not uids:
        return Reply("Expunged")
    done = await _expunge(context, uids)
    await context.advance(done)
    return _expunged(context, done)


@command("CLOSE", needs=State.SELECTED)
async def close(context: Context, _: Plain) -> Reply:
    """RFC 3501 section 6.4.2: expunge without telling, then leave. Who may not expunge leaves all
    the same (RFC 4314 section 4). No HIGHESTMODSEQ: the client has not heard of it (RFC 7162
    section 3.2.8)."""
    if not context.mailbox.read_only and context.mailbox.place.may("e"):
        with suppress(NotFound):  # deleted by somebody: there is nothing to expunge, it is left
            done = await _expunge(context, None)
            # Other sessions here that have it open: what their event says may come a while later.
            if done.modseqs:
                context.mailbox.held.doubt(done.modseqs[-1])
    context.unselect()
    return Reply("Closed")


@command("UNSELECT", needs=State.SELECTED, capability="UNSELECT")
async def unselect(context: Context, _: Plain) -> Reply:
    """RFC 3691: leave and expunge nothing."""
    context.unselect()
    return Reply("Unselected")
