"""Carries out a search or a sort of the selected mailbox and answers as RETURN asks.

SEARCH and SORT differ in the order of their results and in the word they answer with; what MIN,
ALL, SAVE and the others mean is the same for both (RFC 5267 section 3).
"""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from apps.imap.context import CommandError, Context, Reply, no
from apps.imap.proto.esearch import esearch_line, numbers_line, set_item
from apps.imap.proto.responses import untagged
from apps.imap.proto.returns import ALL_OF_THEM, Refusal, Returns
from apps.imap.proto.search import CharsetError, SearchProgram
from apps.imap.search.finding import Found, find, score_of
from apps.imap.search.updating import UPDATING_MAX, Fetch, Updating, frozen, searches
from apps.imap.telling import enable_condstore
from apps.runtime.db import in_db
from apps.wire.imapstring import imap_string

P = ParamSpec("P")
T = TypeVar("T")

_LARGE = 5_000
"""Results of which an answer is made in some milliseconds."""

Order = Callable[[Found], Awaitable[Sequence[int]]]


@dataclass(frozen=True, slots=True)
class Question:
    """A search as it was asked.

    order: puts the places of a result into another order than the mailbox's; None for SEARCH.
    with_scores: the relevancy of results is needed (to sort by it).
    fetch: of messages that come new into a result that is kept up to date.
    mailbox: the answer names it, and is left out if nothing is found (RFC 7377 section 2.1).
    """

    program: SearchProgram
    uid: bool
    returns: Returns | None = None
    refusal: Refusal | None = None
    order: Order | None = None
    with_scores: bool = False
    fetch: Fetch | None = None
    mailbox: tuple[bytes, int] | None = None

    def wants(self, option: bytes) -> bool:
        """Whether RETURN names an option."""
        return self.returns is not None and self.returns.wants(option)


async def answer(context: Context, question: Question) -> Reply:
    """Search, write the answer, save the result if asked to.

    Raises:
        CommandError: it cannot be asked so; nothing has changed.
        MailError: something cannot be read; what was saved before is forgotten if this was to save.
    """
    view = context.mailbox.view
    if question.refusal is not None:
        view.saved = array("Q")
        return refused(question.refusal)
    check(context, question.program)
    if question.wants(b"UPDATE") and _is_updating(context):
        raise CommandError("That tag belongs to a search that is kept up to date")
    updating = _updating(context, question)
    try:
        found = await find(
            context,
            view,
            question.program,
            with_scores=question.with_scores or question.wants(b"RELEVANCY"),
        )
        places = found.places if question.order is None else await question.order(found)
        await _write(context, question, found, places)
    except BaseException:
        if updating is not None:
            updating.close()
        if question.wants(b"SAVE"):  # RFC 5182 section 2.1: the answer will be NO
            view.saved = array("Q")
        raise
    if updating is not None:
        updating.start(found)
        context.mailbox.updating.append(updating)
    return Reply("Searched" if question.order is None else "Sorted")


def check(context: Context, program: SearchProgram) -> None:
    """Refuse sequence numbers where there are none; note what the keys switch on."""
    if context.uidonly and program.has_numbers:
        raise CommandError("There are only UIDs here", b"UIDREQUIRED")
    if program.asks_modseq:
        enable_condstore(context)


def refused(refusal: Refusal) -> Reply:
    """The answer to keys that cannot be searched for."""
    if isinstance(refusal, CharsetError):
        text = "Charset is not known, or the strings are not in it"
        return no(text, b"BADCHARSET (US-ASCII UTF-8)")
    return no(str(refusal), b"LIMIT")


def _is_updating(context: Context) -> bool:
    return any(one.tag == context.tag for one in searches(context))


def _updating(context: Context, question: Question) -> Updating | None:
    """Begin to watch before the search does, so that nothing is missed; None if it was not asked
    for, or is refused."""
    if not question.wants(b"UPDATE"):
        return None
    view = context.mailbox.view
    if question.order is not None or len(context.mailbox.updating) >= UPDATING_MAX:
        code = b"NOUPDATE " + imap_string(context.tag)
        context.write(untagged(b"NO", "This result will not be kept up to date", code))
        return None
    program = frozen(view, question.program)
    return Updating(view, context.tag, program, uid=question.uid, fetch=question.fetch)


async def _write(context: Context, question: Question, found: Found, places: Sequence[int]) -> None:
    returns, asks_modseq = question.returns, question.program.asks_modseq
    if returns is None and context.rev2 and question.order is None:
        returns = ALL_OF_THEM  # RFC 9051 section 6.4.4: there is no SEARCH answer any more
    if returns is None:
        context.write(await _made(found, _plain, question, found, places))
        return
    if not returns.is_silent and (places or question.mailbox is None):
        await write_esearch(
            context,
            returns,
            found,
            places,
            uid=question.uid,
            modseq=asks_modseq,
            mailbox=question.mailbox,
        )
    if returns.wants(b"SAVE"):
        context.mailbox.view.saved = await _made(found, _saved, returns, found, places)


async def _made(found: Found, make: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Make something of a result: of a large one on a database thread, others being served
    meanwhile. A result is a snapshot: nothing changes it."""
    if len(found.places) <= _LARGE:
        return make(*args, **kwargs)
    return await in_db("read", make, *args, **kwargs)


def _plain(question: Question, found: Found, places: Sequence[int]) -> bytes:
    """The line of a search without RETURN."""
    numbers = found.numbers(places, uid=question.uid)
    modseq = found.modseq(places) if question.program.asks_modseq else 0
    return numbers_line(b"SEARCH" if question.order is None else b"SORT", numbers, modseq)


def _saved(returns: Returns, found: Found, places: Sequence[int]) -> array[int]:
    return array("Q", sorted(found.numbers(returned(returns, places), uid=True)))


async def write_esearch(
    context: Context,
    returns: Returns,
    found: Found,
    places: Sequence[int],
    *,
    uid: bool,
    modseq: bool,
    mailbox: tuple[bytes, int] | None = None,
) -> None:
    """Write one ESEARCH line about a result in its order; `modseq`: with the highest of what it is
    about."""
    items = await _made(found, _items, returns, found, places, uid=uid, modseq=modseq)
    context.write(esearch_line(context.tag, items, uid=uid, mailbox=mailbox))


def _items(
    returns: Returns, found: Found, places: Sequence[int], *, uid: bool, modseq: bool
) -> list[bytes]:
    items = result_items(returns, found, places, uid=uid)
    told = returned(returns, places) if modseq else ()
    if told:
        items.append(b"MODSEQ %d" % found.modseq(told))
    return items


def returned(returns: Returns, places: Sequence[int]) -> Sequence[int]:
    """The results that an answer is about (`Returns.is_whole`): all, or those that it names."""
    if returns.is_whole or not places:
        return places
    named = set(returns.partial.pick(places)) if returns.partial is not None else set()
    if returns.wants(b"MIN"):
        named.add(places[0])
    if returns.wants(b"MAX"):
        named.add(places[-1])
    return sorted(named)


def result_items(
    returns: Returns, found: Found, places: Sequence[int], *, uid: bool
) -> list[bytes]:
    """What an ESEARCH line tells of a result, but for its modseq."""
    items: list[bytes] = []
    if places and returns.wants(b"MIN"):
        items.append(b"MIN %d" % found.numbers(places[:1], uid=uid)[0])
    if places and returns.wants(b"MAX"):
        items.append(b"MAX %d" % found.numbers(places[-1:], uid=uid)[0])
    if places and returns.wants_all:
        items.append(set_item(b"ALL", found.numbers(places, uid=uid)))
    if returns.partial is not None:
        items.append(_partial_item(returns, found, places, uid=uid))
    if returns.wants(b"COUNT"):
        items.append(b"COUNT %d" % len(places))
    if places and returns.wants(b"RELEVANCY"):
        listed = places if returns.partial is None else returns.partial.pick(places)
        scores = b" ".join([b"%d" % score_of(found, place) for place in listed])
        items.append(b"RELEVANCY (%b)" % scores)
    return items


def _partial_item(returns: Returns, found: Found, places: Sequence[int], *, uid: bool) -> bytes:
    assert returns.partial is not None
    window = returns.partial.pick(places)
    text = returns.partial.text
    if not window:
        return b"PARTIAL (%b NIL)" % text
    return b"PARTIAL (%b)" % set_item(text, found.numbers(window, uid=uid))
