"""SEARCH and UID SEARCH (RFC 3501 section 6.4.4), with RETURN (RFC 4731), and CANCELUPDATE."""

from __future__ import annotations

from collections.abc import Sequence

from apps.imap.context import CommandError, Context, Reply, State
from apps.imap.handlers.fetch import fetch_uids
from apps.imap.handlers.registry import Use, command
from apps.imap.proto.returns import Cancel, Returns, Search, parse_cancel, parse_search
from apps.imap.search.answering import Question, answer
from apps.imap.search.updating import Fetch, searches

_WORDS = "ESEARCH SEARCHRES PARTIAL WITHIN SEARCH=FUZZY INPROGRESS I18NLEVEL=1"


@command(
    "SEARCH",
    parse=parse_search,
    needs=State.SELECTED,
    sequence_numbers=Use.READS,
    capability=_WORDS,
)
async def search(context: Context, cmd: Search) -> Reply:
    """Answers with sequence numbers."""
    return await answer(context, _question(context, cmd, uid=False))


@command("UID SEARCH", parse=parse_search, needs=State.SELECTED)
async def uid_search(context: Context, cmd: Search) -> Reply:
    """Answers with UIDs."""
    return await answer(context, _question(context, cmd, uid=True))


def _question(context: Context, cmd: Search, *, uid: bool) -> Question:
    if cmd.names_charset and "UTF8=ACCEPT" in context.enabled and not context.rev2:
        # RFC 6855 section 3: all strings are UTF-8 then. IMAP4rev2 has CHARSET (RFC 9051, 6.4.4).
        raise CommandError("expected no CHARSET after ENABLE UTF8=ACCEPT")
    return Question(cmd.program, uid, cmd.returns, cmd.refusal, fetch=fetching(cmd.returns))


def fetching(returns: Returns | None) -> Fetch | None:
    """Return what fetches the items that UPDATE names (RFC 5465 section 7), None if it names
    none."""
    if returns is None or not returns.items:
        return None
    items = returns.items

    async def fetch(context: Context, uids: Sequence[int]) -> None:
        await fetch_uids(context, list(uids), items)

    return fetch


@command("CANCELUPDATE", parse=parse_cancel, needs=State.SELECTED, capability="CONTEXT=SEARCH")
async def cancel_update(context: Context, cmd: Cancel) -> Reply:
    """RFC 5267 section 4.3.5: these results need not be kept up to date any more."""
    updating = searches(context)
    if not {one.tag for one in updating}.issuperset(cmd.tags):
        raise CommandError("Expected tags of searches that are kept up to date")
    for one in updating:
        if one.tag in cmd.tags:
            one.close()
            context.mailbox.updating.remove(one)
    return Reply("No further updates")
