"""SELECT and EXAMINE (RFC 3501 sections 6.3.1, 6.3.2, RFC 9051 sections 6.3.2, 6.3.3), and how a
client that was here before is told what it missed (RFC 7162 section 3.2.5)."""

from __future__ import annotations

from itertools import compress

from apps.imap.context import CommandError, Context, Reply, Selected, State
from apps.imap.handlers.registry import command
from apps.imap.names.listing import USES
from apps.imap.names.naming import mailbox_named
from apps.imap.proto.responses import list_line, mailbox_id, old_name, untagged
from apps.imap.proto.select import Known, Select, parse_select
from apps.imap.proto.sets import within
from apps.imap.selected.view import View
from apps.imap.telling import changed_lines, claim_recent, tell_keywords, vanished_since

_IS_SEEN = bytes(flags & 1 for flags in range(256))


@command("SELECT", parse=parse_select, capability="CONDSTORE QRESYNC", enables="CONDSTORE QRESYNC")
async def select(context: Context, cmd: Select) -> Reply:
    """Open for reading and writing."""
    return await _open(context, cmd, read_only=False)


@command("EXAMINE", parse=parse_select)
async def examine(context: Context, cmd: Select) -> Reply:
    """Open and change nothing, \\Recent neither."""
    return await _open(context, cmd, read_only=True)


async def _open(context: Context, cmd: Select, *, read_only: bool) -> Reply:
    if cmd.known is not None and not context.qresync:
        raise CommandError("expected ENABLE QRESYNC before this")  # RFC 7162 section 3.2.5
    if cmd.known is not None and cmd.known.matched and context.uidonly:
        raise CommandError("expected no sequence numbers", b"UIDREQUIRED")
    # Section 6.3.1: whatever was selected is left, even if this one cannot be opened.
    if context.selected is not None:
        context.unselect()
        context.write(untagged(b"OK", "The mailbox before is left", b"CLOSED"))
    if cmd.condstore:
        context.enabled.add("CONDSTORE")
    place = await mailbox_named(context, cmd.name, "r")
    held = await context.mirrors.open(place.id, place.row.counters)
    selected = Selected(place, read_only, held, View(held.mirror))
    context.selected, context.state = selected, State.SELECTED
    await claim_recent(context, selected, 1)
    selected.view.take(expunges=True)  # what came while that was asked is in the first picture
    _describe(context, selected, cmd)
    if cmd.known is not None and cmd.known.uidvalidity == held.mirror.uidvalidity:
        await _catch_up(context, selected, cmd.known)
    for one in context.news:
        one.opened(context)
    if selected.read_only:
        return Reply("Opened for reading", b"READ-ONLY")
    return Reply("Opened", b"READ-WRITE")


def _describe(context: Context, selected: Selected, cmd: Select) -> None:
    mirror, view, place = selected.held.mirror, selected.view, selected.place
    tell_keywords(context, selected)
    lines = [b"* %d EXISTS\r\n" % view.count]
    if context.rev2:  # RFC 9051 appendix E, 10 to 12
        uses = {place.row.special_use} if place.owner_id == context.user_id else set()
        attributes = [attribute for use, attribute in USES.items() if use in uses]
        extended = old_name(cmd.name, place.name)
        lines.append(list_line(b"LIST", attributes, place.name, utf8=True, extended=extended))
    else:
        lines.append(b"* %d RECENT\r\n" % view.recent_count)
        first_unseen = mirror.flags.translate(_IS_SEEN).find(0) + 1
        if first_unseen and not context.uidonly:
            lines.append(untagged(b"OK", "First unseen", b"UNSEEN %d" % first_unseen))
    lines += [
        untagged(b"OK", "UIDs valid", b"UIDVALIDITY %d" % mirror.uidvalidity),
        untagged(b"OK", "Predicted next UID", b"UIDNEXT %d" % mirror.uidnext),
        untagged(b"OK", "Highest", b"HIGHESTMODSEQ %d" % mirror.modseq),
        untagged(b"OK", "Its id", b"MAILBOXID (%b)" % mailbox_id(place.id)),
    ]
    context.write(b"".join(lines))


async def _catch_up(context: Context, selected: Selected, known: Known) -> None:
    """Tell what was expunged and what has changed since the client was here, of what it keeps."""
    context.write(await vanished_since(context, known.uids, known.modseq, known.matched))
    mirror, view = selected.held.mirror, selected.view
    news = [modseq > known.modseq for modseq in mirror.modseqs]
    uids = [uid for uid in compress(mirror.uids, news) if uid <= view.last_uid]
    if known.uids is not None:
        uids = within(uids, view.intervals(known.uids, view.last_uid))
    size = context.limits.page_rows
    for start in range(0, len(uids), size):
        tell_keywords(context, selected)
        page = [uid for uid in uids[start : start + size] if not view.is_gone(uid)]
        if page:
            seqs = view.seqs_of(page)
            view.forget_changes(page)
            context.write(changed_lines(context, selected, seqs, page, uid=True))
        await context.channel.drain()
