"""SELECT and EXAMINE (RFC 3501 sections 6.3.1, 6.3.2)."""

from __future__ import annotations

from apps.imap.context import Context, Reply, Selected, State
from apps.imap.handlers.registry import command
from apps.imap.naming import mailbox_named
from apps.imap.proto.responses import untagged
from apps.imap.proto.select import Select, parse_select
from apps.imap.telling import claim_recent, tell_keywords
from apps.imap.view import View

_IS_SEEN = bytes(flags & 1 for flags in range(256))


@command("SELECT", parse=parse_select)
async def select(context: Context, cmd: Select) -> Reply:
    """Open for reading and writing."""
    return await _open(context, cmd, read_only=False)


@command("EXAMINE", parse=parse_select)
async def examine(context: Context, cmd: Select) -> Reply:
    """Open and change nothing, \\Recent neither."""
    return await _open(context, cmd, read_only=True)


async def _open(context: Context, cmd: Select, *, read_only: bool) -> Reply:
    # Section 6.3.1: whatever was selected is left, even if this one cannot be opened.
    context.unselect()
    place = await mailbox_named(context, cmd.name, "r")
    held = await context.mirrors.open(place.id, place.row.counters)
    selected = Selected(place, read_only, held, View(held.mirror))
    context.selected, context.state = selected, State.SELECTED
    await claim_recent(context, selected, 1)
    selected.view.take(expunges=True)  # what came while that was asked is in the first picture
    _describe(context, selected)
    for one in context.news:
        one.opened(context)
    if selected.read_only:
        return Reply("Opened for reading", b"READ-ONLY")
    return Reply("Opened", b"READ-WRITE")


def _describe(context: Context, selected: Selected) -> None:
    mirror, view = selected.held.mirror, selected.view
    tell_keywords(context, selected)
    context.write(b"* %d EXISTS\r\n* %d RECENT\r\n" % (view.count, view.recent_count))
    first_unseen = mirror.flags.translate(_IS_SEEN).find(0) + 1
    if first_unseen:
        context.write(untagged(b"OK", "First unseen", b"UNSEEN %d" % first_unseen))
    context.write(untagged(b"OK", "UIDs valid", b"UIDVALIDITY %d" % mirror.uidvalidity))
    context.write(untagged(b"OK", "Predicted next UID", b"UIDNEXT %d" % mirror.uidnext))
