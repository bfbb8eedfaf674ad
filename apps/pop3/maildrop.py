"""An INBOX as one POP3 session sees it: fixed numbers, and marks that count only at QUIT.

The functions that read and write are synchronous and run on database threads.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.mailstore import queries
from apps.mailstore.models import FLAG_DELETED, FLAG_SEEN
from apps.mailstore.origin import Origin
from apps.mailstore.queries import Shown
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from apps.wire.errors import NotFound


@dataclass(slots=True)
class Maildrop:
    """`uids` and `sizes` side by side; message 1 is the first. `deleted` and `read` are UIDs."""

    mailbox_id: int
    uidvalidity: int
    uids: list[int]
    sizes: list[int]
    deleted: set[int] = field(default_factory=set)
    read: set[int] = field(default_factory=set)

    def uid(self, number: int) -> int | None:
        """Return the UID of a message, None if there is none or it is marked."""
        if not 0 < number <= len(self.uids):
            return None
        uid = self.uids[number - 1]
        return None if uid in self.deleted else uid

    def listed(self) -> list[tuple[int, int, int]]:
        """Return (number, uid, size) of the messages that are not marked."""
        return [
            (number, uid, size)
            for number, (uid, size) in enumerate(zip(self.uids, self.sizes, strict=True), 1)
            if uid not in self.deleted
        ]

    def unique_id(self, uid: int) -> str:
        """RFC 1939 section 7, UIDL: the same in every session, and after the store has moved."""
        return f"{self.uidvalidity}.{uid}"


def open_maildrop(user_id: int) -> Maildrop:
    """Read the user's INBOX.

    Raises:
        NotFound: there is none.
    """
    for row in queries.mailboxes(user_id):
        if row.special_use == "inbox":
            uids = queries.snapshot(row.id).uids
            rows = queries.fetch_page(row.id, uids, ("size",)) if uids else []
            return Maildrop(
                row.id, row.counters.uidvalidity, [uid for uid, _ in rows], [n for _, n in rows]
            )
    raise NotFound(text="No such mailbox")


def read_message(mailbox_id: int, uid: int) -> Shown:
    """Return a message, ready to be read.

    Raises:
        NotFound: it has been expunged elsewhere.
        Damaged: its blob is not there.
    """
    rows = queries.fetch_page(mailbox_id, [uid], ("message_id", "head_id"))
    if not rows:
        raise NotFound(text="That message no longer exists")
    return queries.shown(rows[0][1], rows[0][2])


def update(drop: Maildrop, origin: Origin) -> None:
    """The UPDATE state (RFC 1939 section 6): remove what is marked, mark what was read."""
    read = sorted(drop.read - drop.deleted)
    if read:
        change = FlagChange("add", FLAG_SEEN)
        store(mailbox_id=drop.mailbox_id, uids=read, change=change, origin=origin)
    if drop.deleted:
        gone = sorted(drop.deleted)
        change = FlagChange("add", FLAG_DELETED)
        store(mailbox_id=drop.mailbox_id, uids=gone, change=change, origin=origin)
        expunge(mailbox_id=drop.mailbox_id, uids=gone, origin=origin)
