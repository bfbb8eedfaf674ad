"""SELECT, EXAMINE, STATUS (RFC 3501 sections 6.3.1, 6.3.2, 6.3.10)."""

from __future__ import annotations

from apps.imap.context import Context, Reply, Selected, State
from apps.imap.handlers.registry import command
from apps.imap.naming import mailbox_named
from apps.imap.proto.commands import Mailbox, Status, parse_mailbox, parse_status
from apps.imap.proto.responses import status_line, untagged
from apps.imap.telling import claim_recent, tell_keywords
from apps.imap.view import View
from apps.mailstore.queries import MailboxRow

_IS_SEEN = bytes(flags & 1 for flags in range(256))


@command("SELECT", parse=parse_mailbox)
async def select(context: Context, cmd: Mailbox) -> Reply:
    """Open for reading and writing."""
    return await _open(context, cmd, read_only=False)


@command("EXAMINE", parse=parse_mailbox)
async def examine(context: Context, cmd: Mailbox) -> Reply:
    """Open and change nothing, \\Recent neither."""
    return await _open(context, cmd, read_only=True)


async def _open(context: Context, cmd: Mailbox, *, read_only: bool) -> Reply:
    # Section 6.3.1: whatever was selected is left, even if this one cannot be opened.
    context.unselect()
    row = await mailbox_named(context, cmd.name)
    held = await context.mirrors.open(row.id, row.counters)
    selected = Selected(row.id, row.name, read_only, held, View(held.mirror))
    context.selected, context.state = selected, State.SELECTED
    await claim_recent(context, selected, 1)
    selected.view.take(expunges=True)  # what came while that was asked is in the first picture
    _describe(context, selected)
    if read_only:
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


@command("STATUS", parse=parse_status)
async def status(context: Context, cmd: Status) -> Reply:
    """Counters of a mailbox that is not opened for it."""
    row = await mailbox_named(context, cmd.name)
    numbers = await _numbers(context, row, recent=b"RECENT" in cmd.items)
    context.write(status_line(row.name, [(item, numbers[item]) for item in cmd.items]))
    return Reply("Status given")


async def _numbers(context: Context, row: MailboxRow, *, recent: bool) -> dict[bytes, int]:
    counters = row.counters
    numbers = {
        b"MESSAGES": counters.messages,
        b"UIDNEXT": counters.uidnext,
        b"UIDVALIDITY": counters.uidvalidity,
        b"UNSEEN": counters.unseen,
        b"RECENT": 0,
        b"APPENDLIMIT": context.limits.message_size,
    }
    if recent and counters.uidnext > counters.recent_floor:
        # UIDs at and above the floor, less those expunged since: the mirror knows them all.
        held = await context.mirrors.open(row.id, counters)
        numbers[b"RECENT"] = held.mirror.count_from(counters.recent_floor)
        context.mirrors.close(held)
    return numbers
