"""Searches whose results are kept up to date: CONTEXT=SEARCH (RFC 5267).

An `Updating` watches the mirror as a view does: it holds, as bits by place in the mirror's array,
which messages match, and which must be looked at again. What it tells is worked out when the client
is told of its mailbox anyway (apps.imap.telling): what has left the result, by the numbers that
hold then, before EXPUNGE; what has come new, after EXISTS.
"""

from __future__ import annotations

import logging
from array import array
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import compress

from apps.imap.context import Context
from apps.imap.finding import Found, find
from apps.imap.places import Places, places_of, to_bits, up_to
from apps.imap.proto.esearch import esearch_line, update_item
from apps.imap.proto.search import InSet, Leaf, SearchProgram
from apps.imap.proto.sets import SequenceSet, runs_of
from apps.imap.searching import Subject
from apps.imap.view import View
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

UPDATING_MAX = 8
"""Searches of one session that are kept up to date; beyond it: NO [NOUPDATE]."""
_FEW_GONE = 64

Fetch = Callable[[Context, Sequence[int]], Awaitable[None]]
"""Writes what was asked for of new messages, by their UIDs (RFC 5465 section 7)."""


class Updating:
    """One search and its result."""

    __slots__ = (
        "__weakref__",
        "_dirty",
        "_fetch",
        "_found",
        "_left",
        "_program",
        "_seen",
        "_uid",
        "_view",
        "tag",
    )

    def __init__(
        self, view: View, tag: bytes, program: SearchProgram, *, uid: bool, fetch: Fetch | None
    ) -> None:
        """Begin to watch; `start` must follow. `program` is as `frozen` made it."""
        self.tag = tag
        self._view = view
        self._program = program
        self._uid = uid
        self._fetch = fetch
        self._found = 0
        self._dirty = 0
        self._seen = view.live_count
        self._left: array[int] = array("Q")
        view.mirror.watchers.add(self)

    def close(self) -> None:
        """Stop watching."""
        self._view.mirror.watchers.discard(self)

    def start(self, found: Found) -> None:
        """Take the result that the client was told."""
        mirror, looked_at = self._view.mirror, found.subject.uids
        if mirror.uids[: len(looked_at)] == looked_at:
            self._found = _bits(found.places, len(looked_at))
            return
        uids = [looked_at[place] for place in found.places]  # some were expunged meanwhile
        self._found = to_bits(uids, mirror.uids)
        self._left.extend(uid for uid in uids if mirror.index(uid) < 0)

    # -- the mirror speaks ----------------------------------------------------------------------

    def note_expunged(self, gone: Places) -> None:
        """Places behind those that are gone move up."""
        uids = self._view.mirror.uids
        bits = gone.within(uids)
        left = bits & self._found
        if left:
            self._left.extend([uids[place] for place in places_of(left)])
        self._seen -= (bits & up_to(self._seen)).bit_count()
        places = places_of(bits)
        self._found = _without(self._found, places)
        self._dirty = _without(self._dirty, places)

    def note_changed(self, changed: Places) -> None:
        """Look at these again."""
        self._dirty |= changed.within(self._view.mirror.uids)

    # -- telling --------------------------------------------------------------------------------

    async def tell(self, context: Context) -> None:
        """Write what has changed of the result, of what the client knows of by now."""
        known = self._view.live_count
        asked = (self._dirty | up_to(max(known, self._seen)) ^ up_to(self._seen)) & up_to(known)
        if asked or self._left:
            await self._tell(context, asked, known)

    async def _tell(self, context: Context, asked: int, known: int) -> None:
        left, self._left = self._left, array("Q")
        first_new = self._seen
        self._dirty &= ~asked
        self._seen = max(known, self._seen)
        was = self._found & asked
        places = places_of(asked)
        uids = [self._view.mirror.uids[place] for place in places]
        before = [was >> place & 1 for place in places]
        new = set(uids[bisect_left(places, first_new) :])
        try:
            now = await self._matching(context, places) if places else set()
        except MailError as error:  # the next word to the client tries again
            logger.info("search not brought up to date", extra={"detail": str(error)})
            self._left, self._dirty = left + self._left, up_to(self._seen)
            return
        mirror = self._view.mirror
        joined = [
            uid
            for uid, had in zip(uids, before, strict=True)
            if uid in now and not had and mirror.index(uid) >= 0
        ]
        removed = [
            uid
            for uid, had in zip(uids, before, strict=True)
            if had and uid not in now and mirror.index(uid) >= 0
        ]
        self._found |= to_bits(joined, mirror.uids)
        self._found &= ~to_bits(removed, mirror.uids)
        if self._fetch is not None and (fresh := [uid for uid in joined if uid in new]):
            await self._fetch(context, fresh)
        self._write(context, sorted([*left, *removed]), joined)

    async def _matching(self, context: Context, places: Sequence[int]) -> set[int]:
        marks = bytearray(self._view.live_count)
        for place in places:
            marks[place] = 1
        only = int.from_bytes(marks, "little")
        found = await find(context, self._view, self._program, only=only)
        return {found.subject.uids[place] for place in found.places}

    def _write(self, context: Context, left: Sequence[int], joined: Sequence[int]) -> None:
        items = [
            update_item(name, numbers)
            for name, uids in ((b"REMOVEFROM", left), (b"ADDTO", joined))
            if (numbers := self._numbers(uids))
        ]
        if items:
            context.write(esearch_line(self.tag, items, uid=self._uid))

    def _numbers(self, uids: Iterable[int]) -> list[int]:
        if self._uid:
            return list(uids)
        return [seq for uid in uids if (seq := self._view.seq_of(uid)) is not None]


def _bits(places: Sequence[int], size: int) -> int:
    """The set of places below `size`, by a number in base two: linear, and quick for many."""
    digits = bytearray(b"0") * (size + 1)
    for place in places:
        digits[size - place] = 49  # a one
    return int(digits, 2)


def _without(bits: int, places: Sequence[int]) -> int:
    """The set when these places (rising) are no more."""
    if not bits:
        return 0
    if len(places) <= _FEW_GONE:
        for place in reversed(places):
            bits = bits & up_to(place) | bits >> place + 1 << place
        return bits
    keep = bytearray(b"\1") * max(bits.bit_length(), places[-1] + 1)
    for place in places:
        keep[place] = 0
    digits = f"{bits:0{len(keep)}b}"[::-1]
    kept = "".join(compress(digits, keep))[::-1]
    return int(kept, 2) if kept else 0


def searches(context: Context) -> list[Updating]:
    """Return those of the selected mailbox."""
    return [one for one in context.mailbox.updating if isinstance(one, Updating)]


def frozen(view: View, program: SearchProgram) -> SearchProgram:
    """Return the program with its sequence numbers, and what was saved, as the UIDs they are now:
    they are evaluated once, when the command comes (RFC 5267 section 4.3)."""
    subject = Subject(view)
    leaves = tuple(_frozen(subject, leaf) for leaf in program.leaves)
    return SearchProgram(leaves, program.steps, program.is_fuzzy)


def _frozen(subject: Subject, leaf: Leaf) -> Leaf:
    if not isinstance(leaf, InSet) or (leaf.uid and not leaf.numbers.is_saved):
        return leaf
    marks = subject.bounds(leaf).surely.to_bytes(len(subject.uids), "little")
    return InSet(SequenceSet(tuple(runs_of(compress(subject.uids, marks)))), uid=True)
