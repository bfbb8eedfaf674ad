"""Which messages are meant when a conversation is named, or all of a mailbox; reads."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from apps.runtime.rows import among, fetch, listed

_THREADS: Final = (
    "SELECT DISTINCT thread_id FROM mailstore_entry"
    f" WHERE mailbox_id = %s AND {among('uid')} AND thread_id IS NOT NULL"
)
_MEMBERS: Final = (
    "SELECT uid FROM mailstore_entry"
    f" WHERE mailbox_id = %s AND thread_id IS NOT NULL AND {among('thread_id')}"
)
_PRESENT: Final = (
    f"SELECT uid FROM mailstore_entry WHERE mailbox_id = %s AND {among('uid')} ORDER BY uid"
)
_NEXT: Final = (
    "SELECT uid FROM mailstore_entry WHERE mailbox_id = %s AND uid > %s AND uid < %s"
    " AND flags & %s = %s AND keywords & %s = %s ORDER BY uid LIMIT %s"
)
_LEFT: Final = (
    "SELECT COUNT(*) FROM mailstore_entry WHERE mailbox_id = %s AND uid > %s AND uid < %s"
    " AND flags & %s = %s AND keywords & %s = %s"
)


class Only(NamedTuple):
    """Which messages of a mailbox: of the flags in `mask` exactly those in `flags`, and all of
    these keyword bits."""

    mask: int = 0
    flags: int = 0
    keywords: int = 0

    @property
    def parameters(self) -> list[int]:
        """As the statements take them."""
        return [self.mask, self.flags, self.keywords, self.keywords]


def conversations(mailbox_id: int, uids: Sequence[int]) -> list[int]:
    """These messages, and those of the same mailbox that are in a conversation with one of them;
    UIDs rise. Two queries."""
    threads = [row[0] for row in fetch(_THREADS, [mailbox_id, listed(uids)])]
    if not threads:
        return sorted(set(uids))
    found = fetch(_MEMBERS, [mailbox_id, listed(threads)])
    return sorted({row[0] for row in found}.union(uids))


def present(mailbox_id: int, uids: Sequence[int]) -> list[int]:
    """Those of these messages that are there, rising."""
    return [row[0] for row in fetch(_PRESENT, [mailbox_id, listed(uids)])]


def following(mailbox_id: int, only: Only, *, after: int, before: int, limit: int) -> list[int]:
    """UIDs of a mailbox between two others (neither included), rising; one query."""
    rows = fetch(_NEXT, [mailbox_id, after, before, *only.parameters, limit])
    return [row[0] for row in rows]


def left(mailbox_id: int, only: Only, *, after: int, before: int) -> int:
    """How many these are; one query."""
    return int(fetch(_LEFT, [mailbox_id, after, before, *only.parameters])[0][0])
