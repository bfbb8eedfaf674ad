"""What is counted in mailboxes only when somebody asks: messages to be expunged, \\Recent ones.

The other numbers of a mailbox stand in its row (`queries.Counters`). Each function is one query,
whatever the number of mailboxes.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from apps.mailstore.models import FLAG_DELETED
from apps.runtime.rows import among, fetch, listed


class Tally(NamedTuple):
    """Of one mailbox. `deleted_size` in octets."""

    deleted: int = 0
    deleted_size: int = 0
    recent: int = 0


NOTHING: Final = Tally()


def deleted(mailbox_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Number and octets of the messages that are \\Deleted, of those mailboxes that have any; it
    reads all messages of them."""
    sql = (
        "SELECT mailbox_id, COUNT(*), SUM(size) FROM mailstore_entry"
        f" WHERE {among('mailbox_id')} AND (flags & {FLAG_DELETED}) <> 0 GROUP BY mailbox_id"
    )
    return {row[0]: (row[1], int(row[2])) for row in fetch(sql, [listed(mailbox_ids)])}


def recent(mailbox_ids: Sequence[int]) -> dict[int, int]:
    """Number of messages that no session was told of yet, of those mailboxes that have any."""
    sql = (
        "SELECT s.mailbox_id, COUNT(*) FROM mailstore_mailboxstate AS s"
        " JOIN mailstore_entry AS e ON e.mailbox_id = s.mailbox_id AND e.uid >= s.recent_floor"
        f" WHERE {among('s.mailbox_id')} GROUP BY s.mailbox_id"
    )
    return dict(fetch(sql, [listed(mailbox_ids)]))
