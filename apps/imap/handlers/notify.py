"""NOTIFY (RFC 5465)."""

from __future__ import annotations

from apps.imap.context import Context, Reply, no
from apps.imap.handlers.fetch import fetch_uids
from apps.imap.handlers.registry import command
from apps.imap.news.notifying import TOO_MUCH, Notifying, TooMuchError, drop
from apps.imap.proto.fetch import Attribute
from apps.imap.proto.notify import BAD_EVENT, Notify, parse_notify
from apps.imap.telling import enable_condstore, tell
from apps.imap.wishes import EVERYTHING, NOTHING


@command("NOTIFY", parse=parse_notify, capability="NOTIFY")
async def notify(context: Context, cmd: Notify) -> Reply:
    """Section 3.1: what is to be told from now on, instead of what was before."""
    if not cmd.is_known:
        return no("Not all of these events are told of", BAD_EVENT)
    if not cmd.groups:
        drop(context)
        context.wishes = NOTHING
        return Reply("Nothing is told any more")
    notifying = Notifying(context, cmd, fetch_uids)
    try:
        await notifying.begin(context)
        if Attribute.MODSEQ in notifying.interests.wishes.items:
            enable_condstore(context)
        await _catch_up(context)
    except TooMuchError:
        return no("That are too many mailboxes to watch", TOO_MUCH)
    except BaseException:
        notifying.end()
        raise
    drop(context)
    context.wishes = notifying.interests.wishes
    context.news += notifying.parts
    notifying.opened(context)
    notifying.tell_access(context)
    if cmd.status:
        notifying.tell_status(context)
    return Reply("What is asked for is told")


async def _catch_up(context: Context) -> None:
    """Tell all that has gathered in the selected mailbox: the NOOP that is implied, and the
    snapshot of a client that wants to be told nothing later (sections 3.1, 5)."""
    if context.selected is None:
        return
    before, context.wishes = context.wishes, EVERYTHING
    try:
        await context.refresh()
        await tell(context, expunges=not context.channel.has_heard_more)
    finally:
        context.wishes = before
