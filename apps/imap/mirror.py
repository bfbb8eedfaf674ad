"""A mailbox as this process knows it: sorted UIDs with flags, keywords and modseqs, as arrays.

There is one `Mirror` per mailbox and process, shared by all sessions that selected it; each session
has a `View` (apps.imap.view) that holds only what the session has not been told yet. Pure: rows are
read by `apps.imap.mirrors`, which calls `apply` with them. About 26 octets a message.

The invariant that views rest on: the array `uids` is never changed except by appending larger UIDs.
An expunge makes a new array, so a view may go on holding the old one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Protocol
from weakref import WeakSet

Row = tuple[int, int, int, int]
"""uid, system flags, keyword bits, modseq."""


class Watcher(Protocol):
    """Who must hear what changes: a session's view."""

    def note_expunged(self, uids: Sequence[int]) -> None:
        """These UIDs (ascending) are gone."""

    def note_changed(self, uids: Sequence[int]) -> None:
        """The flags of these UIDs are others."""


class Mirror:
    """The arrays, and who watches them."""

    __slots__ = (
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

    def __init__(self, mailbox_id: int, uidvalidity: int) -> None:
        self.mailbox_id = mailbox_id
        self.uidvalidity = uidvalidity
        self.uidnext = 1
        self.modseq = 0  # all changes up to it are in the arrays
        self.recent_floor = 1  # UIDs from here on have been shown as \Recent to no one
        self.keyword_names: dict[int, str] = {}
        self.uids = array("Q")
        self.flags = array("H")
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
        self._expunge(sorted(set(expunged)))
        self._store(sorted(rows))
        self.modseq = max(self.modseq, modseq)

    def _expunge(self, gone: list[int]) -> None:
        known = [uid for uid in gone if self.index(uid) >= 0]
        if not known:
            return
        for watcher in list(self.watchers):
            watcher.note_expunged(known)
        keep = bytearray(b"\1") * len(self.uids)
        for uid in known:
            keep[self.index(uid)] = 0
        self.flags = array("H", compress(self.flags, keep))
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
            for watcher in list(self.watchers):
                watcher.note_changed(changed)

    def flags_of(self, uid: int) -> tuple[int, int] | None:
        """Return (system flags, keyword bits) of a message, None if it is gone."""
        place = self.index(uid)
        return None if place < 0 else (self.flags[place], self.keywords[place])
