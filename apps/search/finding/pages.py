"""The door of search: a query, and the messages that it finds, newest first.

Results are complete: what the index has not seen is scanned. That may take long (a fresh index
knows nothing yet), so the time is bounded: a page may come with fewer hits than were asked for, and
say where to go on. The number of statements does not depend on how much mail there is, as long as
nothing has to be scanned.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from django.utils import timezone

from apps.directory.identities import own_of
from apps.mailstore.queries import ListRow
from apps.search.finding.clauses import Clause, Compiler, asked, both, member
from apps.search.finding.rows import Place, Row, Source
from apps.search.finding.scope import Folder, Keyword, Scope, keywords_of, scope_of
from apps.search.finding.texts import Members, Texts
from apps.search.language.nodes import Hint, Mine, Query

PAGE: Final = 50
PAGE_MAX: Final = 1_000
SECONDS: Final = 5.0
"""How long a page may take to be scanned for."""
_SCANNED: Final = 100
"""Messages scanned before the clock is looked at; at least so many are, however late it is."""
_WINDOW: Final = 500
"""Entries that are taken together while some are undecided."""
_TAIL_MAX: Final = 5_000
"""Messages that the index has not seen, up to which it is asked which of them matter at all."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found, in the mailbox where it lies; in two mailboxes it is two hits.

    keywords: by name.
    """

    folder: Folder
    row: ListRow
    keywords: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many messages fulfil a query; exact if both are the same.

    by_mailbox: of `least`, by id; mailboxes without any are left out.
    """

    least: int
    most: int
    by_mailbox: dict[int, int]


@dataclass(frozen=True, slots=True)
class Page:
    """What was found.

    Args:
        after: where to go on; None if there is nothing more.
        is_cut: the time was over before the page was full; going on at `after` finds the others.
        count: None if it was not asked for.
        hints: names in the query that nothing is called by, with those of the query itself.
    """

    hits: tuple[Hit, ...]
    after: Place | None
    is_cut: bool
    count: Count | None
    hints: tuple[Hint, ...]


def find(
    query: Query,
    *,
    user_id: int,
    after: Place | None = None,
    limit: int = PAGE,
    is_deleted: bool = False,
    with_count: bool = True,
    seconds: float = SECONDS,
) -> Page:
    """The messages that fulfil a query among all that a user may read.

    Days are those of the time zone that is current (`django.utils.timezone`).

    Args:
        after: `Page.after` of the page before.
        is_deleted: what can be brought back is searched, and nothing else.

    Raises:
        NotFound: the query has `me` in it, and there is no such user.
        StorageUnavailable: a message has to be scanned, and the store does not answer.
    """
    scope = scope_of(query, user_id, is_deleted=is_deleted)
    zone = timezone.get_current_timezone()
    finder = _Finder(query, scope, user_id, zone, is_deleted=is_deleted)
    limit = min(max(limit, 1), PAGE_MAX)
    found = finder.rows(after, limit + 1, time.monotonic() + seconds)
    rows, end, is_cut = found.rows[:limit], found.end, found.is_cut
    if len(found.rows) > limit:
        end, is_cut = rows[-1].place, False
    count = finder.count() if with_count else None
    hints = (*query.hints, *scope.hints, *finder.hints())
    return Page(finder.hits(rows), end, is_cut, count, hints)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A piece of the list.

    end: up to where it was looked through, if the time was over.
    """

    rows: list[Row]
    end: Place | None
    is_cut: bool = False


class _Finder:
    """Finds what one query asks for."""

    def __init__(
        self, query: Query, scope: Scope, user_id: int, zone: tzinfo, *, is_deleted: bool
    ) -> None:
        has_me = any(isinstance(leaf, Mine) for leaf in query.leaves())
        me = own_of(user_id).keys if has_me else ()
        self._scope = scope
        self._length = len(query.text)
        self._nodes = [factor.node for factor in query.factors]
        self._texts = Texts(asked(self._nodes, me), scope.owners())
        self._compiler = Compiler(scope, self._texts, me, zone)
        self._known: Clause | None = None  # the condition, once nothing in it is undecided
        self._has_scanned = False
        self._source = Source(list(scope.folders.values()), is_deleted=is_deleted)

    def rows(self, after: Place | None, wanted: int, deadline: float) -> _Stretch:
        """Up to `wanted` entries, newest first."""
        self._decide_tail(deadline)
        found: list[Row] = []
        while not self._texts.are_known:
            window = self._source.page(self._clause(), _WINDOW, after=after)
            decided = self._decide(window, deadline)
            if decided:
                until = window[decided - 1].place
                # More than there were: what has come meanwhile must push nothing out.
                # Surely: of what cannot be read, nobody knows.
                certain = self._clause(surely=True)
                found += self._source.page(certain, 2 * _WINDOW, after=after, until=until)
                after = until
            if len(found) >= wanted or decided == len(window) < _WINDOW:
                return _Stretch(found, None)
            if decided < len(window):
                return _Stretch(found, after, is_cut=True)
        found += self._source.page(self._clause(), wanted - len(found), after=after)
        return _Stretch(found, None)

    def _decide_tail(self, deadline: float) -> None:
        """Scan what the index has not seen yet, if that is little: all is known then."""
        tail = self._texts.tail()
        if not 0 < len(tail) <= _TAIL_MAX:
            return
        possible = member(Members(tail))
        rows = self._source.page(self._clause(possible), _WINDOW)
        if len(rows) < _WINDOW and self._decide(rows, deadline) == len(rows):
            # The others are no hits, whatever their texts are.
            self._texts.dismiss(tail)

    def _decide(self, window: Sequence[Row], deadline: float) -> int:
        """Scan what is undecided; how many entries of the window, from its begin, are decided."""
        undecided = self._texts.undecided(row.message_id for row in window)
        for start in range(0, len(undecided), _SCANNED):
            if self._has_scanned and time.monotonic() >= deadline:
                break
            self._has_scanned = True
            self._texts.scan(undecided[start : start + _SCANNED])
        left = frozenset(self._texts.undecided(undecided))
        places = (place for place, row in enumerate(window) if row.message_id in left)
        return next(places, len(window))

    def count(self) -> Count:
        """How many there are, as far as that is known now; one query, two if something is not."""
        most = self._source.counts(self._clause())
        least = most
        if not self._texts.are_known:
            least = self._source.counts(self._clause(surely=True))
        return Count(sum(least.values()), sum(most.values()), least)

    def hits(self, rows: Sequence[Row]) -> tuple[Hit, ...]:
        """What a list shows of these; one query, two if some have keywords."""
        folders = self._scope.folders
        listed = self._source.listed([row.place for row in rows])
        marked = {mailbox_id for (mailbox_id, _), row in listed.items() if row.keywords}
        names = keywords_of(marked) if marked else ()
        return tuple(
            Hit(folders[mailbox_id], row, _keywords(mailbox_id, row, names))
            for (_, mailbox_id, uid), _ in rows
            # What came after the mailboxes were listed: the index was not asked of it.
            if uid < folders[mailbox_id].uidnext and (row := listed.get((mailbox_id, uid)))
        )

    def hints(self) -> Iterator[Hint]:
        """What could not be looked at."""
        if count := len(self._texts.damaged):
            words = f"Messages that are damaged, and may have been missed: {count}."
            yield Hint("damaged", words, 0, self._length)

    def _clause(self, *more: Clause, surely: bool = False) -> Clause:
        """The whole query as a condition, and more that has to hold."""
        if self._known is not None:
            return both(self._known, *more)
        is_known = self._texts.are_known
        clause = self._compiler.clause(self._nodes, surely=surely or is_known)
        if is_known:  # it stays so
            self._known = clause
        return both(clause, *more)


def _keywords(mailbox_id: int, row: ListRow, names: Sequence[Keyword]) -> tuple[str, ...]:
    return tuple(
        one.name for one in names if one.mailbox_id == mailbox_id and row.keywords >> one.bit & 1
    )
