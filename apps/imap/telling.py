"""What a client is told of its mailbox without having asked: EXPUNGE, EXISTS, RECENT, FLAGS, FETCH.

Called by the dispatcher at the end of a command and by IDLE, nowhere else (RFC 3501 section 7.4.1).
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.imap.context import Context, Selected
from apps.imap.proto.flags import ALL_SYSTEM
from apps.imap.proto.responses import untagged
from apps.mailstore.services.keywords import BITS as KEYWORD_BITS


async def tell(context: Context, *, expunges: bool) -> None:
    """Write all pending news of the selected mailbox; EXPUNGE only if allowed now.

    What is \\Recent must be asked of the database, so RECENT comes last: nothing else waits for it.
    """
    selected = context.selected
    if selected is None:
        return
    tell_keywords(context, selected)
    view = selected.view
    if not view.has_news:
        return
    last, recent = view.last_uid, view.recent_count
    pending = view.take(expunges=expunges)
    lines = [b"* %d EXPUNGE\r\n" % seq for seq in pending.expunged]
    if pending.exists is not None:
        lines.append(b"* %d EXISTS\r\n" % pending.exists)
    lines += [
        b"* %d FETCH (FLAGS (%b))\r\n" % (seq, flag_text(selected, uid))
        for seq, uid in pending.changed
    ]
    context.write(b"".join(lines))
    if pending.exists is not None:
        await claim_recent(context, selected, last + 1)
    if pending.exists is not None or view.recent_count != recent:  # an expunge may lower it
        context.write(b"* %d RECENT\r\n" % view.recent_count)


def flag_text(selected: Selected, uid: int, last: tuple[int, int] | None = None) -> bytes:
    """Return the names of all flags of a message as this session sees them; `last` are those that
    an expunged one had."""
    mirror = selected.held.mirror
    text = mirror.flag_names(*(last or mirror.flags_of(uid) or (0, 0)))
    if selected.view.is_recent(uid):
        return b"\\Recent " + text if text else b"\\Recent"
    return text


def flag_texts(selected: Selected, uids: Sequence[int]) -> list[bytes]:
    """Return `flag_text` of each of a page (ascending, not none)."""
    texts = selected.held.mirror.flag_texts(uids)
    for low, high in selected.view.recent_runs(uids):
        texts[low:high] = [b"\\Recent " + text if text else b"\\Recent" for text in texts[low:high]]
    return texts


async def claim_recent(context: Context, selected: Selected, first: int) -> None:
    """Make the messages from UID `first` on that the client knows \\Recent here, unless another
    session was told of them before.

    EXAMINE takes nothing from the sessions that may (RFC 3501 section 6.3.2).
    """
    end = selected.view.last_uid + 1
    if selected.read_only:
        floor = selected.held.mirror.recent_floor
    else:
        floor = await context.mirrors.claim_recent(selected.held, end)
    selected.view.add_recent(max(first, floor), end)


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
