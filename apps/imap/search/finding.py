"""Runs a search program over a mailbox: what is in memory first, then columns, then the search
index; what is still open is read, by pages.

Between two pages others are served, and a client that waits long is told how far its command is
(RFC 9585).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Final

from apps.imap.context import Context
from apps.imap.proto.search import (
    ChangedSince,
    HasKeyword,
    HeaderHas,
    Leaf,
    SearchProgram,
    TextHas,
)
from apps.imap.search import reading, searching, texts
from apps.imap.search.facts import column_of, marks_of
from apps.imap.search.progress import Progress
from apps.imap.search.reading import columns_of
from apps.imap.search.searching import Bounds, Subject
from apps.imap.search.terms import Asking, asking, together
from apps.imap.search.texts import EXACT
from apps.imap.selected.columns import Column
from apps.imap.selected.view import View
from apps.mailstore import queries
from apps.mailstore.services import threads
from apps.runtime.db import in_db
from apps.search.asking import ask
from apps.search.base import Known, Term

PAGE: Final = 500
"""Messages in one read."""
_FEW: Final = 24
"""Messages that are scanned in the time that asking the index takes."""
_MANY: Final = 4
"""Columns are read of all messages, and kept, if at least one in so many has to be looked at."""
_REMEMBERED: Final = 200_000
"""Messages in what is remembered of the index's answers: some megabytes."""
_TURN: Final = 100_000
"""Messages of which flags or numbers are compared at a time: some milliseconds."""
_TURNED: Final = (ChangedSince, HasKeyword)
_PASSING: Final = frozenset({Column.EMAIL, Column.THREAD})
"""Columns that are not kept: they are long, or may still change."""


@dataclass(frozen=True, slots=True)
class Found:
    """A result: places in the arrays of `subject`, rising.

    scores: by place, of a program with FUZZY, if they were asked for; what is not there is EXACT.
    """

    subject: Subject
    places: Sequence[int]
    scores: dict[int, int] = field(default_factory=dict)

    def numbers(self, places: Sequence[int], *, uid: bool) -> list[int]:
        """The sequence numbers or UIDs of places, in their order."""
        numbers = self.subject.uids if uid else self.subject.seqs
        return [numbers[place] for place in places]

    def modseq(self, places: Sequence[int]) -> int:
        """The highest modseq of these, 0 if there are none."""
        return max([self.subject.modseqs[place] for place in places], default=0)


class Answers:
    """What the index has said in the course of one command, to be asked once for many mailboxes.

    It holds for mailboxes that nobody has changed since before the first of them was asked: what
    came later the index was not asked about.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, tuple[Term, ...]], Known] = {}
        self._room = _REMEMBERED

    def of(self, owner_id: int, terms: tuple[Term, ...]) -> Known:
        """Ask the index, if it has not been asked. On a database thread."""
        known = self._known.get((owner_id, terms))
        if known is None:
            known = ask(owner_id, terms)
            size = len(known.unindexed) + sum([len(one) for one in known.hits if one is not None])
            if size < self._room:
                self._room -= size
                self._known[owner_id, terms] = known
        return known


async def find(
    context: Context,
    view: View,
    program: SearchProgram,
    *,
    only: int | None = None,
    with_scores: bool = False,
    answers: Answers | None = None,
) -> Found:
    """Search the mailbox of a view.

    Args:
        only: a mask (an octet a message): the others need not be looked at.
        answers: of the index in this command, if they hold for this mailbox.

    Raises:
        StorageUnavailable: the store does not answer, so nobody can tell. A message that cannot be
            read is left out, unless what can be read of it decides.
    """
    subject = Subject(view)
    scope = subject.everything if only is None else only
    finding = _Finding(context, program, subject, scope, with_scores=with_scores)
    if answers is not None:
        finding.answers = answers
    await finding.look_at_flags()
    if finding.undecided:
        await finding.look_at_columns()
    if finding.undecided:
        await finding.ask_index()
    if finding.undecided or (with_scores and finding.has_open_scores):
        await finding.scan()
    marks = (finding.result.surely & scope).to_bytes(len(subject.uids), "little")
    places: Sequence[int] = range(len(marks))
    if b"\0" in marks:
        places = list(compress(places, marks))
    return Found(subject, places, finding.scores)


class _Finding:
    """A search on its way: what is known of each leaf, and so of the result. Each look costs more
    than the one before it, and looks at fewer messages."""

    def __init__(
        self,
        context: Context,
        program: SearchProgram,
        subject: Subject,
        scope: int,
        *,
        with_scores: bool,
    ) -> None:
        self._context = context
        self._program = program
        self._subject = subject
        self._scope = scope
        self._with_scores = with_scores
        self._mailbox_id = subject.view.mirror.mailbox_id
        # What depends on numbers is answered now, before any may move.
        self._leaves = [
            Bounds(0, subject.everything) if isinstance(leaf, _TURNED) else subject.bounds(leaf)
            for leaf in program.leaves
        ]
        self.answers = Answers()
        self.scores: dict[int, int] = {}
        self._run()

    def _run(self) -> None:
        self.result = searching.run(self._program, self._leaves, self._subject.everything)
        self.undecided = self.result.possibly & ~self.result.surely & self._scope

    @property
    def has_open_scores(self) -> bool:
        """Whether it is not known yet how well some messages match."""
        return any(isinstance(leaf, HeaderHas | TextHas) and leaf.fuzzy for _, leaf in self._open())

    def _open(self) -> list[tuple[int, Leaf]]:
        """The leaves that are not known, by their number."""
        leaves = enumerate(self._program.leaves)
        return [(number, leaf) for number, leaf in leaves if not self._leaves[number].is_known]

    def _places(self, mask: int) -> list[int]:
        count = len(self._subject.uids)
        return list(compress(range(count), mask.to_bytes(count, "little")))

    # -- flags ------------------------------------------------------------------------------------

    async def look_at_flags(self) -> None:
        """Answer what the mirror tells message by message: of very many, others being served in
        between."""
        subject, looked_at = self._subject, 0
        for number, leaf in self._open():
            if not isinstance(leaf, _TURNED):
                continue
            self._leaves[number] = subject.bounds(leaf)
            looked_at += len(subject.uids)
            if looked_at > _TURN:
                looked_at = 0
                await asyncio.sleep(0)
        self._run()

    # -- columns ----------------------------------------------------------------------------------

    async def look_at_columns(self) -> None:
        """Answer what columns tell: of all messages if they are kept, or if many are asked for."""
        asked = [
            (number, leaf, column)
            for number, leaf in self._open()
            if (column := column_of(leaf)) is not None
        ]
        if not asked:
            return
        columns = {column for _, _, column in asked}
        if Column.THREAD in columns:
            await _find_threads(self._mailbox_id)
        if columns.isdisjoint(_PASSING) and self._is_worth_keeping(columns):
            await self._look_at_all(asked, columns)
        else:
            await self._look_at_some(asked, columns)
        self._run()

    def _is_worth_keeping(self, columns: Collection[Column]) -> bool:
        subject = self._subject
        kept = self._context.mirrors.shelf.get(subject.view.mirror)
        many = self.undecided.bit_count() * _MANY >= len(subject.uids)
        return many or kept.serve(subject.uids, columns)

    async def _look_at_all(
        self, asked: Sequence[tuple[int, Leaf, Column]], columns: Collection[Column]
    ) -> None:
        subject, now = self._subject, int(time.time())
        kept = await columns_of(self._context, subject.view, subject.uids, columns)
        looked_at = 0
        for number, leaf, column in asked:
            values = kept.values[column][: len(subject.uids)]
            mask = searching.to_mask(marks_of(leaf, values, now))
            self._leaves[number] = Bounds(mask, mask)
            looked_at += len(values)
            if looked_at > _TURN:
                looked_at = 0
                await asyncio.sleep(0)

    async def _look_at_some(
        self, asked: Sequence[tuple[int, Leaf, Column]], columns: Collection[Column]
    ) -> None:
        subject, now, order = self._subject, int(time.time()), tuple(columns)
        places = self._places(self.undecided)
        marks = [bytearray(len(subject.uids)) for _ in asked]
        progress = Progress(self._context)
        for start in range(0, len(places), PAGE):
            page = places[start : start + PAGE]
            uids = [subject.uids[place] for place in page]
            values = await in_db("read", reading.read_columns, self._mailbox_id, uids, order)
            for mark, (_, leaf, column) in zip(marks, asked, strict=True):
                for place, one in zip(page, marks_of(leaf, values[column], now), strict=True):
                    mark[place] = one
            await progress.note(start + len(page), len(places))
        for (number, _, _), mark in zip(asked, marks, strict=True):
            learned = self._leaves[number].learned(self.undecided, searching.to_mask(bytes(mark)))
            self._leaves[number] = learned

    # -- the index --------------------------------------------------------------------------------

    async def ask_index(self) -> None:
        """Ask the search index, unless so few messages are left that to scan them is quicker."""
        if self.undecided.bit_count() <= _FEW:
            return
        asked = [
            (number, question)
            for number, leaf in self._open()
            if (question := asking(leaf)) is not None
        ]
        if not asked:
            return
        subject = self._subject
        kept = await columns_of(self._context, subject.view, subject.uids, (Column.MESSAGE,))
        message_ids = kept.values[Column.MESSAGE][: len(subject.uids)]
        for numbers, question in self._joined(asked):
            bounds = await in_db("read", self._asked, question, message_ids)
            for number in numbers:
                self._leaves[number] = self._leaves[number].narrowed(bounds)
            self._run()
            if self.undecided.bit_count() <= _FEW:
                return
            await self._context.channel.drain()  # ends the command of a client that is gone

    def _joined(self, asked: Sequence[tuple[int, Asking]]) -> list[tuple[Sequence[int], Asking]]:
        """The questions, with the leaves each is about. If messages must have all there is, what
        the index knows exactly is one question."""
        exact = [(number, question) for number, question in asked if question.is_exact]
        if len(exact) < 2 or not self._program.is_conjunction:
            return [((number,), question) for number, question in asked]
        rest = [((number,), question) for number, question in asked if not question.is_exact]
        joined = together([question for _, question in exact])
        return [([number for number, _ in exact], joined), *rest]

    def _asked(self, question: Asking, message_ids: Sequence[int]) -> Bounds:
        """Ask the index of the mailbox's owner. On a database thread."""
        owner_id = queries.owner_of(self._mailbox_id)
        if owner_id is None:  # deleted meanwhile
            return Bounds(0, self._subject.everything)
        known = self.answers.of(owner_id, question.all_terms)
        return question.bounds(known, message_ids, self._subject.everything)

    # -- the messages -----------------------------------------------------------------------------

    async def scan(self) -> None:
        """Look for texts in the messages themselves."""
        asked = [
            (number, leaf) for number, leaf in self._open() if isinstance(leaf, HeaderHas | TextHas)
        ]
        subject, count = self._subject, len(self._subject.uids)
        chosen = self.undecided
        if self._with_scores:  # how well a message matches only its text tells
            chosen = self.result.possibly & self._scope
        places = self._places(chosen)
        marks = [bytearray(count) for _ in asked]
        unread = [bytearray(count) for _ in asked]
        progress = Progress(self._context)
        leaves = [leaf for _, leaf in asked]
        for start in range(0, len(places), PAGE):
            page = places[start : start + PAGE]
            uids = [subject.uids[place] for place in page]
            found = await in_db("read", texts.scan, self._mailbox_id, uids, leaves)
            for place, uid in zip(page, uids, strict=True):
                for number, value in enumerate(found.get(uid, ())):
                    marks[number][place] = value or 0
                    unread[number][place] = value is None
            await progress.note(start + len(page), len(places))
        for (number, _), mark, blind in zip(asked, marks, unread, strict=True):
            mask = searching.to_mask(bytes(mark.translate(_AS_MARK)))
            # What cannot be read stays open, so neither the leaf nor its opposite is found.
            read = chosen & ~searching.to_mask(bytes(blind))
            self._leaves[number] = self._leaves[number].learned(read, mask)
        if self._with_scores:
            fuzzy = [mark for leaf, mark in zip(leaves, marks, strict=True) if leaf.fuzzy]
            self.scores = _scores(fuzzy, places)
        self._run()


async def _find_threads(mailbox_id: int) -> None:
    """Old messages may have no conversation yet: one that FETCH tells is found by SEARCH."""
    missing = await in_db("read", queries.unthreaded, mailbox_id)
    if missing:
        await in_db("work", threads.fill, mailbox_id, missing)


_AS_MARK = bytes([0] + [1] * 255)


def _scores(fuzzy: list[bytearray], places: list[int]) -> dict[int, int]:
    """What matches several fuzzy leaves gets their mean; 1 is the least there is."""
    scores: dict[int, int] = {}
    for place in places if fuzzy else ():
        values = [mark[place] for mark in fuzzy if mark[place]]
        if values:
            scores[place] = max(1, sum(values) // len(values))
    return scores


def score_of(found: Found, place: int) -> int:
    """The relevancy of a result, from 1 to 100."""
    return found.scores.get(place, EXACT)
