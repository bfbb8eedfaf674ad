"""A mailbox as this process knows it: sorted UIDs with flags, keywords and modseqs, as arrays.

There is one `Mirror` per mailbox and process, shared by all sessions that selected it; each session
has a `View` (apps.imap.selected.view) that holds only what the session has not been told yet. Pure:
rows are read by `apps.imap.selected.mirrors`, which calls `apply` with them. About 25 octets a
message.

The invariant that views rest on: the array `uids` is never changed except by appending larger UIDs.
An expunge makes a new array, as many changes at once do, so a view may go on holding the old one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Protocol
from weakref import WeakSet

from apps.imap.proto.flags import system_names
from apps.imap.selected.places import Places

_TEXTS_MAX = 4_096

Row = tuple[int, int, int, int]
"""uid, system flags, keyword bits, modseq."""


class Watcher(Protocol):
    """Who must hear what changes: a session's view."""

    def note_expunged(self, gone: Places) -> None:
        """These are gone. Called before the mirror drops them."""

    def note_changed(self, changed: Places) -> None:
        """The flags of these are others."""


class _Heard:
    """A watcher that only keeps what it hears."""

    def __init__(self) -> None:
        self.gone: Places | None = None
        self.changed: Places | None = None

    def note_expunged(self, gone: Places) -> None:
        self.gone = gone

    def note_changed(self, changed: Places) -> None:
        self.changed = changed


@dataclass(frozen=True, slots=True)
class Ahead:
    """What many changes make of a mirror: arrays of its own, and what watchers must hear."""

    result: Mirror
    gone: Places | None
    changed: Places | None


class Mirror:
    """The arrays, and who watches them."""

    __slots__ = (
        "__weakref__",
        "_texts",
        "flags",
        "keyword_names",
        "keywords",
        "mailbox_id",
        "modseq",
        "modseqs",
        "recent_floor",
        "uidnext",
        "uids",
        "uidvalidity",
        "watchers",
    )

    def __init__(self, mailbox_id: int) -> None:
        self.mailbox_id = mailbox_id
        self.uidvalidity = 0
        self.uidnext = 1
        self.modseq = 0  # all changes up to it are in the arrays
        self.recent_floor = 1  # what is known: UIDs below it are \Recent to some session already
        self.keyword_names: dict[int, str] = {}
        self._texts: dict[tuple[int, int], bytes] = {}
        self.uids = array("Q")
        self.flags = bytearray()  # system flags are five bits
        self.keywords = array("Q")
        self.modseqs = array("Q")
        self.watchers: WeakSet[Watcher] = WeakSet()

    def __len__(self) -> int:
        return len(self.uids)

    def index(self, uid: int) -> int:
        """Return the place of `uid` in the arrays, -1 if it is not there."""
        place = bisect_left(self.uids, uid)
        return place if place < len(self.uids) and self.uids[place] == uid else -1

    def apply(self, rows: Iterable[Row], expunged: Iterable[int], modseq: int) -> None:
        """Bring the arrays to `modseq`. Rows older than what is known change nothing."""
        self._expunge(set(expunged))
        self._store(sorted(rows))
        self.modseq = max(self.modseq, modseq)

    def ahead(self, rows: Iterable[Row], expunged: Iterable[int]) -> Ahead:
        """Work out what `apply` would do, for `adopt`, and change nothing: on another thread, as
        long as nobody changes the mirror meanwhile."""
        result = Mirror(self.mailbox_id)
        result.uids, result.flags = self.uids[:], self.flags[:]
        result.keywords, result.modseqs = self.keywords[:], self.modseqs[:]
        heard = _Heard()
        result.watchers.add(heard)
        result.apply(rows, expunged, 0)
        return Ahead(result, heard.gone, heard.changed)

    def adopt(self, ahead: Ahead, modseq: int) -> None:
        """Take what was worked out and bring the arrays to `modseq`."""
        if ahead.gone:
            for watcher in list(self.watchers):
                watcher.note_expunged(ahead.gone)
        result = ahead.result
        self.uids, self.flags = result.uids, result.flags
        self.keywords, self.modseqs = result.keywords, result.modseqs
        self.uidnext = max(self.uidnext, result.uidnext)
        if ahead.changed:
            for watcher in list(self.watchers):
                watcher.note_changed(ahead.changed)
        self.modseq = max(self.modseq, modseq)

    def _expunge(self, gone: set[int]) -> None:
        known = sorted(gone.intersection(self.uids)) if gone else []
        if not known:
            return
        gone_now = Places(known)
        for watcher in list(self.watchers):
            watcher.note_expunged(gone_now)
        keep = bytes([uid not in gone for uid in self.uids])
        self.flags = bytearray(compress(self.flags, keep))
        self.keywords = array("Q", compress(self.keywords, keep))
        self.modseqs = array("Q", compress(self.modseqs, keep))
        self.uids = array("Q", compress(self.uids, keep))

    def _store(self, rows: list[Row]) -> None:
        changed: list[int] = []
        for uid, flags, keywords, modseq in rows:
            place = self.index(uid)
            if place >= 0:
                if modseq > self.modseqs[place]:
                    if (flags, keywords) != (self.flags[place], self.keywords[place]):
                        changed.append(uid)
                    self.flags[place], self.keywords[place] = flags, keywords
                    self.modseqs[place] = modseq
            elif not self.uids or uid > self.uids[-1]:
                self.uids.append(uid)
                self.flags.append(flags)
                self.keywords.append(keywords)
                self.modseqs.append(modseq)
                self.uidnext = max(self.uidnext, uid + 1)
            # A UID below the last that is not there was expunged: an older row says nothing new.
        if changed:
            changed_now = Places(changed)
            for watcher in list(self.watchers):
                watcher.note_changed(changed_now)

    def learn_counters(self, uidnext: int, recent_floor: int) -> None:
        """Take numbers that no row tells: a message that came and went has moved them too."""
        self.uidnext = max(self.uidnext, uidnext)
        self.recent_floor = max(self.recent_floor, recent_floor)

    def count_from(self, uid: int) -> int:
        """Return how many messages have this UID or a larger one."""
        return len(self.uids) - bisect_left(self.uids, uid)

    def modseq_of(self, uid: int) -> int:
        """Return the modseq of a message, 0 if it is gone."""
        place = self.index(uid)
        return 0 if place < 0 else self.modseqs[place]

    def modseqs_of(self, uids: Sequence[int]) -> list[int]:
        """Return `modseq_of` each (ascending, not none)."""
        if self.holds(uids):
            start = self.index(uids[0])
            return self.modseqs[start : start + len(uids)].tolist()
        return [self.modseq_of(uid) for uid in uids]

    def flags_of(self, uid: int) -> tuple[int, int] | None:
        """Return (system flags, keyword bits) of a message, None if it is gone."""
        place = self.index(uid)
        return None if place < 0 else (self.flags[place], self.keywords[place])

    # -- flags as text --------------------------------------------------------------------------

    def learn_keywords(self, names: Mapping[int, str]) -> None:
        """Take the names of keyword bits; a bit never changes its name."""
        if len(names) != len(self.keyword_names):
            self.keyword_names = dict(names)
            self._texts = {}

    def flag_names(self, flags: int, keywords: int) -> bytes:
        """Return the names of these flags, parted by spaces, without \\Recent.

        A mailbox has few different combinations: each is spelt once.
        """
        text = self._texts.get((flags, keywords))
        if text is None:
            names = system_names(flags)
            names += [
                name.encode("ascii")
                for bit, name in sorted(self.keyword_names.items())
                if keywords >> bit & 1
            ]
            text = b" ".join(names)
            if len(self._texts) < _TEXTS_MAX:
                self._texts[flags, keywords] = text
        return text

    def holds(self, uids: Sequence[int]) -> bool:
        """Whether all of these (ascending, not none) are here, with nothing between them."""
        start = self.index(uids[0])
        return start >= 0 and self.uids[start : start + len(uids)] == array("Q", uids)

    def rows_of(self, uids: Iterable[int]) -> list[tuple[int]]:
        """Return those that are here, each as a row of one column."""
        return [(uid,) for uid in uids if self.index(uid) >= 0]

    def flag_texts(self, uids: Sequence[int]) -> list[bytes]:
        """Return `flag_names` of each (ascending, not none); of one that is gone: no flags."""
        if self.holds(uids):
            start = self.index(uids[0])
            flags = self.flags[start : start + len(uids)]
            keywords = self.keywords[start : start + len(uids)]
            if not any(keywords):
                few = {one: self.flag_names(one, 0) for one in set(flags)}
                return list(map(few.__getitem__, flags))
            pairs: Iterable[tuple[int, int]] = zip(flags, keywords, strict=True)
        else:
            pairs = [self.flags_of(uid) or (0, 0) for uid in uids]
        known = self._texts
        return [
            text if (text := known.get(pair)) is not None else self.flag_names(*pair)
            for pair in pairs
        ]
