"""Runs a search program over a mailbox: what is in memory first, then by pages what is not.

Between two pages others are served, and a client that waits long is told how far its command is
(RFC 9585).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress

from apps.imap.context import Context
from apps.imap.proto.search import HeaderHas, InThread, SearchProgram, TextHas
from apps.imap.search import searching
from apps.imap.search.progress import Progress
from apps.imap.search.searching import EXACT, Bounds, Subject
from apps.imap.selected.view import View
from apps.mailstore import queries
from apps.mailstore.services import threads
from apps.runtime.db import in_db

PAGE = 500
"""Messages in one read."""


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


async def find(
    context: Context,
    view: View,
    program: SearchProgram,
    *,
    only: int | None = None,
    with_scores: bool = False,
) -> Found:
    """Search the mailbox of a view.

    Args:
        only: a mask (an octet a message): the others need not be looked at.

    Raises:
        Damaged, StorageUnavailable: something to be searched cannot be read.
    """
    subject = Subject(view)
    scope = subject.everything if only is None else only
    leaves = [subject.bounds(leaf) for leaf in program.leaves]
    result = searching.run(program, leaves, subject.everything)
    possibly = result.possibly & scope
    undecided = possibly if with_scores else possibly & ~result.surely
    scores: dict[int, int] = {}
    if undecided:
        unknown = [n for n, bounds in enumerate(leaves) if bounds.surely != bounds.possibly]
        if unknown:
            job = _Deciding(context, program, subject, unknown)
            scores = await job.run(leaves, undecided)
            result = searching.run(program, leaves, subject.everything)
    marks = (result.surely & scope).to_bytes(len(subject.uids), "little")
    places: Sequence[int] = range(len(marks))
    if b"\0" in marks:
        places = list(compress(places, marks))
    return Found(subject, places, scores if with_scores else {})


@dataclass(slots=True)
class _Deciding:
    """Reads what the undecided messages need and makes the unknown leaves known."""

    context: Context
    program: SearchProgram
    subject: Subject
    unknown: list[int]

    async def run(self, leaves: list[Bounds], undecided: int) -> dict[int, int]:
        """Fill in `leaves`; return the scores of what matches a fuzzy leaf."""
        subject, count = self.subject, len(self.subject.uids)
        asked = [self.program.leaves[number] for number in self.unknown]
        places = list(compress(range(count), undecided.to_bytes(count, "little")))
        marks = [bytearray(count) for _ in asked]
        progress, now = Progress(self.context), int(time.time())
        mailbox_id = subject.view.mirror.mailbox_id
        if any(isinstance(leaf, InThread) for leaf in asked):
            await _find_threads(mailbox_id)
        for start in range(0, len(places), PAGE):
            page = places[start : start + PAGE]
            uids = [subject.uids[place] for place in page]
            found = await in_db("read", searching.undecided_values, mailbox_id, uids, asked, now)
            for place, uid in zip(page, uids, strict=True):
                for mark, value in zip(marks, found.get(uid, ()), strict=False):
                    mark[place] = value
            await progress.note(start + len(page), len(places))
        for number, mark in zip(self.unknown, marks, strict=True):
            mask = searching.to_mask(bytes(mark.translate(_AS_MARK)))
            leaves[number] = Bounds(mask, mask)
        return _scores(
            [
                mark
                for leaf, mark in zip(asked, marks, strict=True)
                if isinstance(leaf, HeaderHas | TextHas) and leaf.fuzzy
            ],
            places,
        )


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
