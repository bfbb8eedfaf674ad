"""What a client is told of its mailbox without having asked: EXPUNGE, EXISTS, RECENT, FLAGS, FETCH.

Called by the dispatcher at the end of a command and by IDLE, nowhere else (RFC 3501 section 7.4.1).
"""

from __future__ import annotations

from apps.imap.context import Context, Selected
from apps.imap.proto.flags import ALL_SYSTEM
from apps.imap.proto.responses import untagged
from apps.mailstore.services.keywords import BITS as KEYWORD_BITS


def tell(context: Context, *, expunges: bool) -> None:
    """Write all pending news of the selected mailbox; EXPUNGE only if allowed now."""
    selected = context.selected
    if selected is None:
        return
    tell_keywords(context, selected)
    if not selected.view.has_news:
        return
    last = selected.view.last_uid
    pending = selected.view.take(expunges=expunges)
    lines = [b"* %d EXPUNGE\r\n" % seq for seq in pending.expunged]
    if pending.exists is not None:
        claim_recent(selected, last + 1)
        lines.append(b"* %d EXISTS\r\n" % pending.exists)
        lines.append(b"* %d RECENT\r\n" % selected.view.recent_count)
    lines += [
        b"* %d FETCH (FLAGS (%b))\r\n" % (seq, flag_text(selected, uid))
        for seq, uid in pending.changed
    ]
    context.write(b"".join(lines))


def flag_text(selected: Selected, uid: int) -> bytes:
    """Return the names of all flags of a message as this session sees them."""
    mirror = selected.held.mirror
    text = mirror.flag_names(*(mirror.flags_of(uid) or (0, 0)))
    if selected.view.is_recent(uid):
        return b"\\Recent " + text if text else b"\\Recent"
    return text


def claim_recent(selected: Selected, first: int) -> None:
    """Make the messages from UID `first` on \\Recent here, unless another session was told before.

    EXAMINE takes nothing from the sessions that may (RFC 3501 section 6.3.2).
    """
    mirror = selected.held.mirror
    selected.view.add_recent(max(first, mirror.recent_floor), mirror.uidnext)
    if not selected.read_only:
        mirror.recent_floor = max(mirror.recent_floor, mirror.uidnext)


def tell_keywords(context: Context, selected: Selected) -> None:
    """Announce the mailbox's flags, if they are not those announced before."""
    names = selected.held.mirror.keyword_names
    if selected.told_keywords == len(names):
        return
    selected.told_keywords = len(names)
    known = b" ".join([ALL_SYSTEM, *(name.encode("ascii") for _, name in sorted(names.items()))])
    context.write(b"* FLAGS (%b)\r\n" % known)
    lasting = b"" if selected.read_only else known
    if not selected.read_only and len(names) < KEYWORD_BITS:
        lasting += b" \\*"  # new keywords can be made
    context.write(untagged(b"OK", "Flags that stay", b"PERMANENTFLAGS (%b)" % lasting))
