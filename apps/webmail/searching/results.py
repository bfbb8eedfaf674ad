"""A page of results: rows, how many there are, and how to narrow or widen what was asked."""

import time
from dataclasses import dataclass, replace
from typing import Final

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.search.finding.pages import Count, Hit, Page, find
from apps.search.finding.rows import Place, read_place
from apps.search.language.nodes import In, Query
from apps.search.language.parsing import parse
from apps.webmail.searching import chips as shown
from apps.webmail.searching.chips import Chip, Remark, address
from apps.webmail.searching.composing import added, typed
from apps.webmail.searching.facets import Facet, facets
from apps.webmail.searching.looks import Looks
from apps.webmail.searching.rows import Result, names_of, results

PAGE: Final = 50
NEWEST: Final = 200
"""Hits that facets are made of."""
SECONDS: Final = 3.0
"""How long a page may take where the index cannot tell, and mail has to be read."""


@dataclass(frozen=True, slots=True)
class Results:
    """What the page shows.

    Args:
        following: the address of the next page, empty if there is none.
        count: in words; empty if it was not asked for.
        is_partial: facets are of the newest hits alone.
        widened: addresses of wider queries, each with words, if nothing was found.
        milliseconds: that all of it took.
    """

    text: str
    query: Query
    rows: list[Result]
    following: str
    count: str
    is_cut: bool
    is_first: bool
    is_removed: bool
    chips: list[Chip]
    remarks: list[Remark]
    facets: list[Facet]
    is_partial: bool
    widened: list[tuple[str, str]]
    milliseconds: int


def understood(text: str) -> Query:
    """What a query asks today."""
    return parse(typed(text), timezone.localdate())


def search(
    query: Query,
    *,
    user_id: int,
    looks: Looks,
    after: str = "",
    is_removed: bool = False,
    only_rows: bool = False,
) -> Results:
    """Look for messages.

    Args:
        after: where the page before ended, as it was written; the first page for anything else.
        is_removed: look through what was deleted and can be brought back, and nothing else.
        only_rows: without counts and facets: the next rows of a page that is there.

    Raises:
        StorageUnavailable: a message has to be read, and the store does not answer.
        NotFound: the query has `me` in it, and there is no such user.
    """
    began = time.perf_counter()
    page = find(
        query,
        user_id=user_id,
        after=(place := read_place(after)),
        limit=PAGE if place else NEWEST,
        is_deleted=is_removed,
        with_count=not only_rows,
        seconds=SECONDS,
    )
    found = _shown(query, page, looks, is_first=place is None, is_removed=is_removed)
    return replace(found, milliseconds=max(1, round((time.perf_counter() - began) * 1e3)))


def _shown(query: Query, page: Page, looks: Looks, *, is_first: bool, is_removed: bool) -> Results:
    hits, more = _cut(page)
    names = names_of(page.hits)
    rows = results(query, hits, names, looks)
    has_facets = is_first and not is_removed
    where = "1" if is_removed else ""
    return Results(
        text=query.text,
        query=query,
        rows=rows,
        following=address(query.text, after=more.write(), removed=where) if more else "",
        count=_counted(page.count) if page.count else "",
        is_cut=page.is_cut,
        is_first=is_first,
        is_removed=is_removed,
        chips=shown.chips(query, removed=where),
        remarks=shown.remarks(query, page.hints),
        facets=facets(query, page.hits, page.count, names, looks) if has_facets else [],
        is_partial=page.after is not None,
        widened=[] if rows or page.after else _widened(query, is_removed=is_removed),
        milliseconds=0,
    )


def _cut(page: Page) -> tuple[tuple[Hit, ...], Place | None]:
    """The hits that a page shows, and where the next one goes on."""
    if len(page.hits) <= PAGE:
        return page.hits, page.after
    last = page.hits[PAGE - 1]
    return page.hits[:PAGE], Place(last.row.internaldate, last.folder.id, last.row.uid)


def _counted(count: Count) -> str:
    """Said as exactly as it is known."""
    number = number_format(count.least, use_l10n=True, force_grouping=True)
    if count.least == count.most:
        return ngettext("%(number)s message", "%(number)s messages", count.least) % {
            "number": number
        }
    return ngettext("at least %(number)s message", "at least %(number)s messages", count.least) % {
        "number": number
    }


def _widened(query: Query, *, is_removed: bool) -> list[tuple[str, str]]:
    """Queries that ask less, and places where nothing was looked for."""
    found = []
    if len(query.factors) > 1:
        found = [
            (_("Without “%(chip)s”") % {"chip": one.text}, one.address)
            for one in shown.chips(query)[:5]
        ]
    has_place = any(isinstance(leaf, In) for leaf in query.leaves())
    if not has_place and not is_removed:
        found.append((_("In Junk and Trash too"), address(added(query, In("")))))
    if not is_removed:
        found.append(
            (_("In what was deleted and can be restored"), address(query.text, removed="1"))
        )
    else:
        found.append((_("In all mail"), address(query.text)))
    return found
