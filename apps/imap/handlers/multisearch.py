"""ESEARCH (RFC 7377): one search of several mailboxes, none of which need be selected.

A mailbox that the user may not read is passed over, as one that is not there: neither is told. The
selected mailbox stays selected.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from apps.imap.context import CommandError, Context, Reply, State
from apps.imap.handlers.registry import command
from apps.imap.handlers.search import fetching
from apps.imap.names.naming import Place, all_places, foreign_places, readable_name
from apps.imap.proto.filters import Filter, Which
from apps.imap.proto.multisearch import MultiSearch, parse_multi_search
from apps.imap.proto.patterns import DELIMITER
from apps.imap.proto.responses import mailbox_name
from apps.imap.proto.returns import ALL_OF_THEM, Returns
from apps.imap.search.answering import Question, answer, check, refused, write_esearch
from apps.imap.search.finding import Answers, Found, find
from apps.imap.selected.view import View
from apps.mailstore import queries
from apps.runtime.db import in_db
from apps.wire.errors import NotFound


@command("ESEARCH", parse=parse_multi_search, needs=State.AUTHENTICATED, capability="MULTISEARCH")
async def multi_search(context: Context, cmd: MultiSearch) -> Reply:
    """Answers with UIDs, a line for each mailbox in which something was found."""
    returns = cmd.returns or ALL_OF_THEM
    if context.selected is None and (cmd.has_selected or returns.wants(b"UPDATE")):
        raise CommandError("Expected SELECT or EXAMINE before a search of the selected mailbox")
    if cmd.has_selected:
        # First of all: what is kept up to date, or saved, is of this mailbox.
        reply = await answer(context, _question(context, cmd, returns))
        if reply.condition != b"OK":
            return reply
    elif cmd.refusal is not None:
        return refused(cmd.refusal)
    check(context, cmd.program)
    done = {context.mailbox.mailbox_id} if cmd.has_selected else set()
    places, answers = await _places(context, cmd.sources), Answers()
    for place in places:
        if place.id not in done:
            done.add(place.id)
            await _search(context, cmd, returns, place, answers)
            await context.channel.drain()
    return Reply("Searched")


def _question(context: Context, cmd: MultiSearch, returns: Returns) -> Question:
    place = context.mailbox.place
    return Question(
        cmd.program,
        uid=True,
        returns=returns,
        refusal=cmd.refusal,
        fetch=fetching(returns),
        mailbox=(
            mailbox_name(place.name, utf8=context.utf8),
            context.mailbox.held.mirror.uidvalidity,
        ),
    )


async def _search(
    context: Context, cmd: MultiSearch, returns: Returns, place: Place, answers: Answers
) -> None:
    """Search one mailbox that is there and may be read."""

    async def found_in(view: View) -> Found:
        # What came after the mailboxes were listed the index may not have been asked about.
        is_as_listed = view.mirror.modseq == place.row.counters.highestmodseq
        return await find(
            context,
            view,
            cmd.program,
            with_scores=returns.wants(b"RELEVANCY"),
            answers=answers if is_as_listed else None,
        )

    if context.selected is not None and place.id == context.selected.mailbox_id:
        found = await found_in(context.selected.view)
    else:
        try:
            held = await context.mirrors.open(place.id, place.row.counters)
        except NotFound:  # deleted meanwhile
            return
        view = View(held.mirror)
        try:
            found = await found_in(view)
        finally:
            view.close()
            context.mirrors.close(held)
    if found.places:
        where = mailbox_name(place.name, utf8=context.utf8), place.row.counters.uidvalidity
        asked = cmd.program.asks_modseq
        await write_esearch(
            context, returns, found, found.places, uid=True, modseq=asked, mailbox=where
        )


# -- sources --------------------------------------------------------------------------------------


async def _places(context: Context, sources: Iterable[Filter]) -> list[Place]:
    """Return the mailboxes meant that this user may read; three queries at most. What is not named
    must be one that LIST shows (RFC 7377 section 2.2)."""
    sources = [one for one in sources if one.which is not Which.SELECTED]
    if not sources:
        return []
    listed = await all_places(context)
    named = {place.name: place for place in [*listed, *await foreign_places(context)]}
    subscribed: Collection[str] = ()
    if any(one.which is Which.SUBSCRIBED for one in sources):
        subscribed = set(await in_db("read", queries.subscriptions, context.user_id))
    found: list[Place] = []
    for source in sources:
        if source.which is Which.MAILBOXES:
            found += [named[name] for name in _names(context, source) if name in named]
        elif source.which is Which.SUBSCRIBED:
            found += [place for place in listed if place.name in subscribed]
        elif source.which.has_names:
            found += _below(listed, _names(context, source), deep=source.which is Which.SUBTREE)
        else:  # PERSONAL; and INBOXES, since mail may be delivered to any of them
            found += [place for place in listed if place.owner_id == context.user_id]
    return [place for place in found if place.may("r")]


def _names(context: Context, source: Filter) -> list[str]:
    names: list[str] = []
    for raw in source.names:
        try:
            names.append(readable_name(context, raw))
        except NotFound:  # no name that a mailbox can have
            continue
    return names


def _below(places: Iterable[Place], names: Iterable[str], *, deep: bool) -> list[Place]:
    """The mailboxes of these names and those under them: all, or one level."""
    found: list[Place] = []
    for name in names:
        prefix = name + DELIMITER
        for place in places:
            rest = place.name.removeprefix(prefix)
            is_below = place.name.startswith(prefix) and (deep or DELIMITER not in rest)
            if place.name == name or is_below:
                found.append(place)
    return found
