"""Conversations as lists and readers show them: reads by constant SQL, the same on both databases.

In a mailbox a conversation stands where its newest message there does. So a page is a walk over the
index of dates which leaves out every message that has a newer one of its conversation in the same
mailbox: one look into the index `entry_conversation` each. Pages are found by key, never by a
number of rows. Messages that have no conversation yet are rows of their own.

The look is a scalar subquery on purpose: Postgres would make an anti-join of NOT EXISTS, and read
the whole mailbox for fifty rows.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final, NamedTuple

from apps.mailstore.models import FLAG_SEEN
from apps.runtime.rows import Values, fetch

EXAMINED: Final = 100
"""Newest messages of a conversation in one mailbox that a list looks at."""


class Head(NamedTuple):
    """A message as lists show it. `internaldate` in Unix seconds; `message_id` is the row's id,
    `message_key` the Message-ID field."""

    mailbox_id: int
    uid: int
    thread_id: int | None
    flags: int
    keywords: int
    internaldate: int
    size: int
    message_id: int
    head_id: int | None
    subject: str
    sender_name: str
    sender_address: str
    recipients: str
    preview: str
    has_attachments: bool
    message_key: str

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands in the list of its mailbox."""
        return self.internaldate, self.uid


class Member(NamedTuple):
    """What a list needs to know of each message of a conversation."""

    mailbox_id: int
    thread_id: int
    uid: int
    flags: int
    keywords: int
    internaldate: int
    sender_name: str
    sender_address: str
    has_attachments: bool
    message_key: str


COLUMNS: Final = (
    "e.mailbox_id, e.uid, e.thread_id, e.flags, e.keywords, e.internaldate, e.size, e.message_id,"
    " e.head_id, m.subject, m.sender_name, m.sender_address, m.recipients, m.preview,"
    " m.has_attachments, m.message_id"
)
FROM: Final = " FROM mailstore_entry AS e JOIN mailstore_message AS m ON m.id = e.message_id"
# As the partial index has it, letter by letter: SQLite takes it for nothing else.
UNSEEN: Final = f"({{0}}.flags & {FLAG_SEEN}) = 0"

_BEYOND: Final = " AND (e.internaldate, e.uid) {sign} (%s, %s)"
# By rising date: the next newer one is the first that is met, however long the conversation is.
_NEWEST: Final = (
    " AND (SELECT n.uid FROM mailstore_entry AS n"
    " WHERE n.mailbox_id = e.mailbox_id AND n.thread_id = e.thread_id"
    " AND (n.internaldate, n.uid) > (e.internaldate, e.uid){unseen}"
    " ORDER BY n.internaldate, n.uid LIMIT 1) IS NULL"
)


def _page_sql(*, newest_first: bool, only_unread: bool, threaded: bool, beyond: bool) -> str:
    sign, direction = ("<", " DESC") if newest_first else (">", "")
    newest = _NEWEST.format(unseen=f" AND {UNSEEN.format('n')}" if only_unread else "")
    return (
        f"SELECT {COLUMNS}{FROM} WHERE e.mailbox_id = %s"
        + (f" AND {UNSEEN.format('e')}" if only_unread else "")
        + (_BEYOND.format(sign=sign) if beyond else "")
        + (newest if threaded else "")
        + f" ORDER BY e.internaldate{direction}, e.uid{direction} LIMIT %s"
    )


_PAGES: Final = {
    (newest_first, only_unread, threaded, beyond): _page_sql(
        newest_first=newest_first, only_unread=only_unread, threaded=threaded, beyond=beyond
    )
    for newest_first, only_unread, threaded, beyond in product((True, False), repeat=4)
}


def page(
    mailbox_id: int,
    *,
    limit: int,
    beyond: tuple[int, int] | None = None,
    newest_first: bool = True,
    only_unread: bool = False,
    threaded: bool = True,
) -> list[Head]:
    """The newest message of each conversation of a mailbox; one query, as fast for the last page as
    for the first.

    Args:
        beyond: `place` of the last row of the page before; None for the first page.
        only_unread: conversations with an unread message, by the newest of those.
        threaded: False: all messages, each by itself.
    """
    sql = _PAGES[newest_first, only_unread, threaded, beyond is not None]
    return [Head(*row) for row in fetch(sql, [mailbox_id, *(beyond or ()), limit])]


_ASKED = Values("d", "box bigint, thread bigint")
# Only the newest few: the date of the oldest is found by the index alone, then they are read. Not
# of a pair of date and UID: SQLite would look for its second half again at every row.
_MEMBERS: Final = (
    "SELECT e.mailbox_id, e.thread_id, e.uid, e.flags, e.keywords, e.internaldate, m.sender_name,"
    " m.sender_address, m.has_attachments, m.message_id"
    " FROM {asked} JOIN mailstore_entry AS e ON e.mailbox_id = d.box AND e.thread_id = d.thread"
    " AND e.internaldate >= (SELECT MIN(o.internaldate) FROM"
    " (SELECT n.internaldate FROM mailstore_entry AS n"
    " WHERE n.mailbox_id = d.box AND n.thread_id = d.thread"
    " ORDER BY n.internaldate DESC, n.uid DESC LIMIT %s) AS o)"
    " JOIN mailstore_message AS m ON m.id = e.message_id"
)


def members(pairs: Iterable[tuple[int, int]]) -> list[Member]:
    """The newest `EXAMINED` messages of each conversation in a mailbox, oldest first; one query,
    none for nothing.

    Args:
        pairs: (mailbox, conversation).
    """
    asked = list(dict.fromkeys(pairs))
    if not asked:
        return []
    sql = _MEMBERS.format(asked=_ASKED.sql)
    found = [Member(*row) for row in fetch(sql, [*Values.parameters(asked), EXAMINED])]
    found.sort(key=lambda one: (one.internaldate, one.mailbox_id, one.uid))
    return found if len(found) <= EXAMINED else _newest(found)


def _newest(members: Sequence[Member]) -> list[Member]:
    """Of each conversation no more than `EXAMINED`: some may have come in the same second."""
    counts: Counter[tuple[int, int]] = Counter()
    kept = []
    for one in reversed(members):
        counts[one.mailbox_id, one.thread_id] += 1
        if counts[one.mailbox_id, one.thread_id] <= EXAMINED:
            kept.append(one)
    return kept[::-1]


_OF_THREAD: Final = (
    f"SELECT {COLUMNS} FROM (SELECT n.mailbox_id, n.uid FROM {{asked}}"
    " JOIN mailstore_entry AS n ON n.mailbox_id = d.box AND n.thread_id = d.thread"
    " ORDER BY n.internaldate DESC, n.mailbox_id DESC, n.uid DESC LIMIT %s) AS k"
    " JOIN mailstore_entry AS e ON e.mailbox_id = k.mailbox_id AND e.uid = k.uid"
    " JOIN mailstore_message AS m ON m.id = e.message_id"
)


def of_thread(mailbox_ids: Sequence[int], thread_id: int, limit: int) -> list[Head]:
    """The newest `limit` messages of a conversation in any of these mailboxes, oldest first; one
    query. Whose mailboxes they are the caller knows: ask with those that may be read."""
    if not mailbox_ids:
        return []
    asked = [(box, thread_id) for box in dict.fromkeys(mailbox_ids)]
    sql = _OF_THREAD.format(asked=_ASKED.sql)
    found = [Head(*row) for row in fetch(sql, [*Values.parameters(asked), limit])]
    return sorted(found, key=lambda one: (one.internaldate, one.mailbox_id, one.uid))


_HEAD: Final = f"SELECT {COLUMNS}{FROM} WHERE e.mailbox_id = %s AND e.uid = %s"


def head(mailbox_id: int, uid: int) -> Head | None:
    """One message of a mailbox, None if it is not there; one query."""
    rows = fetch(_HEAD, [mailbox_id, uid])
    return Head(*rows[0]) if rows else None


_NEWEST_OF: Final = (
    "SELECT e.internaldate, e.uid FROM mailstore_entry AS e"
    " WHERE e.mailbox_id = %s AND e.thread_id = %s"
    " ORDER BY e.internaldate DESC, e.uid DESC LIMIT 1"
)


def place_of(mailbox_id: int, thread_id: int) -> tuple[int, int] | None:
    """Where a conversation stands in the list of a mailbox; one query."""
    rows = fetch(_NEWEST_OF, [mailbox_id, thread_id])
    return (rows[0][0], rows[0][1]) if rows else None


_COUNT: Final = (
    "SELECT COUNT(*), COALESCE(SUM(CASE WHEN (e.internaldate, e.uid) >= (%s, %s) THEN 1 ELSE 0"
    " END), 0) FROM mailstore_entry AS e WHERE e.mailbox_id = %s"
)


def standing(mailbox_id: int, place: tuple[int, int], *, threaded: bool = True) -> tuple[int, int]:
    """The number of a row in the list of a mailbox, newest first from 1, and how many rows there
    are; one query, which looks at all of the mailbox: not for large ones."""
    sql = _COUNT + (_NEWEST.format(unseen="") if threaded else "")
    total, at = fetch(sql, [*place, mailbox_id])[0]
    return int(at), int(total)
