"""Searches whose results are kept up to date: CONTEXT=SEARCH (RFC 5267).

An `Updating` watches the mirror as a view does: it holds, as bits by place in the mirror's array,
which messages match, and which must be looked at again. What it tells is worked out when the client
is told of its mailbox anyway (apps.imap.telling): what has left the result, by the numbers that
hold then, before EXPUNGE; what has come new, after EXISTS.
"""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import compress

from apps.imap.context import Context
from apps.imap.proto.esearch import esearch_line, update_item
from apps.imap.proto.search import InSet, Leaf, SearchProgram
from apps.imap.proto.sets import SequenceSet, runs_of
from apps.imap.search.finding import Found, find
from apps.imap.search.searching import Subject
from apps.imap.selected.places import Places, places_of, to_bits, up_to
from apps.imap.selected.view import View
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

UPDATING_MAX = 8
"""Searches of one session that are kept up to date; beyond it: NO [NOUPDATE]."""
PAGE = 5_000
"""Messages looked at, or told of, before others have a turn: some ten milliseconds."""
_FEW_GONE = 64
_IS_ZERO = bytes.maketrans(b"01", b"\1\0")

Fetch = Callable[[Context, Sequence[int]], Awaitable[None]]
"""Writes what was asked for of new messages, by their UIDs (RFC 5465 section 7)."""


class Updating:
    """One search and its result."""

    __slots__ = (
        "__weakref__",
        "_dirty",
        "_fetch",
        "_first_new",
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
        self._first_new = 0  # the first UID of those that came since all was told, if any
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
        self._found = _without(self._found, bits)
        self._dirty = _without(self._dirty, bits)

    def note_changed(self, changed: Places) -> None:
        """Look at these again."""
        self._dirty |= changed.within(self._view.mirror.uids)

    # -- telling --------------------------------------------------------------------------------

    async def tell(self, context: Context) -> None:
        """Write what has changed of the result, of what the client knows of by now.

        Page by page, others being served in between: it may be about all messages there are. What
        they change meanwhile may wait for the next time.
        """
        pages = -(-max(len(self._asked()), len(self._left)) // PAGE)
        for page in range(pages):
            if page:
                await asyncio.sleep(0)
            if not await self._tell(context, self._asked()[:PAGE]):
                return
        if not self._dirty:
            self._first_new = 0

    def _asked(self) -> list[int]:
        """The places to be looked at; those that are new to the client are among them."""
        known = self._view.live_count
        if known > self._seen:
            self._first_new = self._first_new or self._view.mirror.uids[self._seen]
            self._dirty |= up_to(known) ^ up_to(self._seen)
            self._seen = known
        return places_of(self._dirty & up_to(known))

    async def _tell(self, context: Context, places: Sequence[int]) -> bool:
        """Tell of these, and of some that have left; False if they cannot be looked at now."""
        mirror = self._view.mirror
        left, self._left = self._left[:PAGE], self._left[PAGE:]
        uids = [mirror.uids[place] for place in places]
        before = [self._found >> place & 1 for place in places]
        if places:
            self._dirty &= ~_bits(places, places[-1] + 1)
        try:
            now = await self._matching(context, places) if places else set()
        except MailError as error:  # the next word to the client tries again
            logger.info("search not brought up to date", extra={"detail": str(error)})
            self._left, self._dirty = left + self._left, up_to(self._seen)
            return False
        there = [
            (uid, had, uid in now)
            for uid, had in zip(uids, before, strict=True)
            if mirror.index(uid) >= 0
        ]
        joined = [uid for uid, had, has in there if has and not had]
        removed = [uid for uid, had, has in there if had and not has]
        self._found |= to_bits(joined, mirror.uids)
        self._found &= ~to_bits(removed, mirror.uids)
        first = self._first_new
        fresh = [uid for uid in joined if uid >= first] if first else []
        if self._fetch is not None and fresh:
            await self._fetch(context, fresh)
        self._write(context, sorted([*left, *removed]), joined)
        return True

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


def _without(bits: int, gone: int) -> int:
    """The set when these places are no more, and those behind them have moved up."""
    if not bits & ~gone:
        return 0
    if gone.bit_count() <= _FEW_GONE:
        for place in reversed(places_of(gone)):
            bits = bits & up_to(place) | bits >> place + 1 << place
        return bits
    size = max(bits.bit_length(), gone.bit_length())
    keep = f"{gone:0{size}b}".encode().translate(_IS_ZERO)
    return int(bytes(compress(f"{bits:0{size}b}".encode(), keep)), 2)


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
