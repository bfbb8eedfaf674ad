"""Sequence numbers: what one session has been told of its selected mailbox.

The only module that turns sequence numbers into UIDs and back. Pure. A `View` holds the UIDs as the
client numbers them, and what the client must still be told: expunged messages (which keep their
numbers until told), changed flags, new messages. RFC 3501 section 7.4.1: while a command runs that
uses sequence numbers no number may move; who calls `take(expunges=False)` gets that.

The numbered UIDs are the mirror's own array as long as both agree, an older one of it until
expunges are told: nothing is copied for a session. What must be told is kept as bits by place
(apps.imap.selected.places): at most an octet for four messages, however long a client says nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, islice

from apps.imap.proto.sets import Interval, SequenceSet, runs_of
from apps.imap.selected.mirror import Mirror
from apps.imap.selected.places import Places, places_of, to_bits, up_to

RECENT_MAX = 256
"""Ranges of UIDs kept as \\Recent: one for each time that news came between those of others."""


class NoMessageError(Exception):
    """A sequence number beyond the last message: answer BAD (RFC 3501 section 6.4.5 note)."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What to tell now, in this order.

    expunged: sequence numbers, largest first, so that telling one moves none of those that follow.
    vanished: their UIDs, ascending.
    exists: None if the count stays.
    changed: (seq, uid) by the numbering that holds after all expunges are told, ascending.
    """

    expunged: tuple[int, ...]
    vanished: tuple[int, ...]
    exists: int | None
    changed: tuple[tuple[int, int], ...]


class View:
    """One session's numbering of one mailbox."""

    __slots__ = (
        "__weakref__",
        "_count",
        "_dirty",
        "_ghosts",
        "_mirror",
        "_recent",
        "_settled",
        "_uids",
        "saved",
    )

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._uids = mirror.uids
        self._count = len(mirror.uids)
        self._ghosts = 0  # numbered and gone, as places in _uids
        self._settled = 0  # the modseq before the first of the expunges that wait
        self._dirty = 0  # flags not told yet, as places in _uids
        self._recent: list[tuple[int, int]] = []
        self.saved: array[int] = array("Q")  # UIDs, ascending: `$` (RFC 5182)
        mirror.watchers.add(self)

    def close(self) -> None:
        """Stop watching."""
        self._mirror.watchers.discard(self)

    # -- the mirror speaks ----------------------------------------------------------------------

    def note_expunged(self, gone: Places) -> None:
        """Remember what is gone among the numbered ones."""
        if not self._ghosts:
            self._settled = self._mirror.modseq
        self._ghosts |= gone.within(self._uids) & up_to(self._count)
        self._dirty &= ~self._ghosts

    def note_changed(self, changed: Places) -> None:
        """Remember whose flags are others."""
        self._dirty |= changed.within(self._uids) & up_to(self._count)

    def _place(self, uid: int) -> int:
        place = bisect_left(self._uids, uid, 0, self._count)
        return place if place < self._count and self._uids[place] == uid else -1

    # -- numbers --------------------------------------------------------------------------------

    @property
    def mirror(self) -> Mirror:
        """The mailbox as it is now, which the client may not have been told of yet."""
        return self._mirror

    @property
    def count(self) -> int:
        """Messages the client knows of: its EXISTS less the EXPUNGEs it was told."""
        return self._count

    @property
    def uids(self) -> array[int]:
        """A copy of the numbered UIDs, ascending, those gone but not yet told included."""
        return self._uids[: self._count]

    def uids_after(self, uid: int) -> array[int]:
        """Return the numbered UIDs above one."""
        return self._uids[bisect_right(self._uids, uid, 0, self._count) : self._count]

    @property
    def last_uid(self) -> int:
        """The largest UID the client knows of, 0 if none."""
        return self._uids[self._count - 1] if self._count else 0

    @property
    def has_news(self) -> bool:
        """Whether `take()` would return anything."""
        return bool(self._ghosts or self._dirty or self._has_new)

    @property
    def untold_count(self) -> int:
        """Messages that are gone or have other flags, and the client does not know it."""
        return self._ghosts.bit_count() + self._dirty.bit_count()

    @property
    def _has_new(self) -> bool:
        return not self._ghosts and len(self._mirror) > self._count

    @property
    def settled(self) -> int | None:
        """The modseq up to which the client knows of every expunge; None: of all there are."""
        return self._settled if self._ghosts else None

    def is_gone(self, uid: int) -> bool:
        """Whether a numbered message has been expunged already."""
        if not self._ghosts:
            return False
        place = self._place(uid)
        return place >= 0 and bool(self._ghosts >> place & 1)

    def untold(self) -> frozenset[int]:
        """The numbered messages whose flags are others than the client knows."""
        return frozenset([self._uids[place] for place in places_of(self._dirty)])

    def seq_of(self, uid: int) -> int | None:
        """Return the sequence number of a UID, None if the client knows no such message."""
        place = self._place(uid)
        return None if place < 0 else place + 1

    def seqs_of(self, uids: Iterable[int]) -> list[int]:
        """Return the sequence numbers of UIDs that the client knows."""
        return [self._place(uid) + 1 for uid in uids]

    @property
    def live_seqs(self) -> Sequence[int]:
        """The sequence numbers of the messages that are still there, `live_count` of them."""
        seqs = range(1, self._count + 1)
        if not self._ghosts:
            return seqs
        live = bytearray(b"\1") * self._count
        for place in places_of(self._ghosts):
            live[place] = 0
        return list(compress(seqs, live))

    def pick(self, numbers: SequenceSet, *, uid: bool) -> tuple[list[int], list[int]]:
        """Return sequence numbers and UIDs, side by side and ascending, of what a set names.

        UIDs that do not exist are passed over (section 6.4.8).

        Raises:
            NoMessageError: a sequence number is beyond the last one, or there is no message.
        """
        if numbers.is_saved:
            marks = self._saved_marks()
            seqs = compress(range(1, self._count + 1), marks)
            return list(seqs), list(compress(self._uids, marks))
        if uid:
            return self._by_uid(numbers)
        if not self._count or any(max(pair) > self._count for pair in numbers.ranges):
            raise NoMessageError
        return self._by_seq(numbers)

    def _saved_marks(self) -> bytearray:
        """One octet per numbered message, 1 where the saved result has it; what is gone it has no
        longer. To ask each message is cheaper than to look for each UID of a large result."""
        saved = frozenset(self.saved)
        numbered = islice(self._uids, self._count)
        return bytearray(map(saved.__contains__, numbered))

    def _by_seq(self, numbers: SequenceSet) -> tuple[list[int], list[int]]:
        seqs: list[int] = []
        uids: list[int] = []
        for low, high in numbers.intervals(self._count):
            high = min(high, self._count)
            seqs.extend(range(low, high + 1))
            uids.extend(self._uids[low - 1 : high])
        return seqs, uids

    def _by_uid(self, numbers: SequenceSet) -> tuple[list[int], list[int]]:
        seqs: list[int] = []
        uids: list[int] = []
        if not self._count:
            return seqs, uids
        for low, high in numbers.intervals(self._uids[self._count - 1]):
            start = bisect_left(self._uids, low, 0, self._count)
            end = bisect_right(self._uids, high, 0, self._count)
            seqs.extend(range(start + 1, end + 1))
            uids.extend(self._uids[start:end])
        return seqs, uids

    def intervals(self, numbers: SequenceSet, largest: int) -> list[Interval]:
        """Return a set of UIDs as sorted disjoint intervals, whether there are such or not; `*` is
        `largest`."""
        if numbers.is_saved:
            return runs_of(self.saved)
        return numbers.intervals(largest)

    def last_match(self, runs: Iterable[tuple[Interval, Interval]]) -> int:
        """Return the largest UID that has the sequence number it is said to have, 0 if none.

        Args:
            runs: pairs of runs of equal length, sequence numbers and UIDs. Of each only the
                numbers are looked at that there are.
        """
        best = 0
        for (seq, last), (uid, _) in runs:
            for step in range(min(last, self._count) - seq, -1, -1):
                if self._uids[seq + step - 1] == uid + step:
                    best = max(best, uid + step)
                    break
        return best

    @property
    def live_count(self) -> int:
        """Numbered messages that are still there: the first ones of the mirror's arrays."""
        return self._count - self._ghosts.bit_count()

    def live_mask(self, numbers: SequenceSet, *, uid: bool) -> bytes:
        """Return one octet per live message, 1 where the set names it.

        Numbers beyond the last message are passed over: in SEARCH they match nothing.
        """
        marks = bytearray(self._count)
        if numbers.is_saved:
            marks = self._saved_marks()
        elif self._count:
            largest = self._uids[self._count - 1] if uid else self._count
            for low, high in numbers.intervals(largest):
                start, end = low - 1, min(high, self._count)
                if uid:
                    start = bisect_left(self._uids, low, 0, self._count)
                    end = bisect_right(self._uids, high, 0, self._count)
                if start < end:
                    marks[start:end] = b"\1" * (end - start)
        if not self._ghosts:
            return bytes(marks)
        live = bytearray(b"\1") * self._count
        for place in places_of(self._ghosts):
            live[place] = 0
        return bytes(compress(marks, live))

    # -- telling --------------------------------------------------------------------------------

    def forget_changes(self, uids: Iterable[int]) -> None:
        """The client has just been told the flags of these, or knows them."""
        if self._dirty:
            self._dirty &= ~to_bits(list(uids), self._uids)

    def take(self, *, expunges: bool, arrivals: bool = True, flags: bool = True) -> Pending:
        """Return what the client must be told and count it as told; what it must not be told now
        stays. New messages behind an expunge are never told before it."""
        dirty = places_of(self._dirty)
        changed = [self._uids[place] for place in dirty]
        self._dirty = 0
        gone: list[int] = []
        vanished: tuple[int, ...] = ()
        if expunges and self._ghosts:
            places = places_of(self._ghosts)
            gone = [place + 1 for place in reversed(places)]
            vanished = tuple([self._uids[place] for place in places])
            self._count -= len(gone)
            self._ghosts = 0
        if not self._ghosts:
            # Both begin with the same UIDs again: what is numbered, less what was expunged.
            self._uids = self._mirror.uids
        if not flags:  # they stay, at the places that hold now
            self._dirty, changed = to_bits(changed, self._uids), []
        exists: int | None = None
        if arrivals and self._has_new:
            self._count = exists = len(self._uids)
        if gone:
            dirty = [self._place(uid) for uid in changed]
        told = tuple([(place + 1, uid) for place, uid in zip(dirty, changed, strict=False)])
        return Pending(tuple(gone), vanished, exists, told)

    # -- \Recent --------------------------------------------------------------------------------

    def add_recent(self, low: int, end: int) -> None:
        """UIDs from `low` to below `end`, all above those before, are \\Recent to this session."""
        if self._recent and low <= self._recent[-1][1] < end:
            self._recent[-1] = (self._recent[-1][0], end)
        elif low < end:
            self._recent.append((low, end))
            del self._recent[:-RECENT_MAX]

    def is_recent(self, uid: int) -> bool:
        """Whether a message is \\Recent to this session. Few intervals, the newest asked first."""
        return any(low <= uid < end for low, end in reversed(self._recent))

    def recent_runs(self, uids: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Where among ascending UIDs those lie that are \\Recent to this session."""
        for low, end in self._recent:
            start, stop = bisect_left(uids, low), bisect_left(uids, end)
            if start < stop:
                yield start, stop

    @property
    def recent_count(self) -> int:
        """Messages that are \\Recent, of those the client knows."""
        return sum(
            bisect_left(self._uids, end, 0, self._count)
            - bisect_left(self._uids, low, 0, self._count)
            for low, end in self._recent
        )
