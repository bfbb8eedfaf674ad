"""What can be brought back: expunged messages and deleted mailboxes that are not purged yet; reads.

Everything here is the owner's business, also what others removed from a mailbox that is shared with
them; who may see it is for the caller to ask (`shares`, and `services.undelete.RIGHTS`). A message
that was moved away, or has been brought back, is none of these: it lives on elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from apps.mailstore.models import Fate
from apps.runtime.rows import among, fetch, listed

IS_KEPT: Final = f"fate IN ({Fate.EXPUNGED:d}, {Fate.REPLACED:d})"
"""Tells those rows of `mailstore_expunged` that can be brought back."""

_KEPT: Final = f"x.{IS_KEPT}"
# Rows first, then what they show: what is sorted is narrow.
_PAGE: Final = (
    "SELECT p.mailbox_id, p.name, p.uid, p.at, p.flags, p.internaldate, p.size, p.message_id,"
    " p.head_id, p.user_id, m.subject, m.sender_name, m.sender_address, m.recipients FROM ("
    "SELECT x.mailbox_id, b.name, x.uid, x.at, x.flags, x.internaldate, x.size, x.message_id,"
    " x.head_id, x.user_id"
    " FROM mailstore_mailbox AS b JOIN mailstore_expunged AS x ON x.mailbox_id = b.id"
    f" WHERE {{scope}} AND b.deleted_at IS NULL AND {_KEPT} AND x.at >= %s{{before}}"
    # By the time, then by the mailbox: two rows of one mailbox never have the same UID.
    " ORDER BY x.at DESC, x.mailbox_id DESC, x.uid DESC LIMIT %s"
    ") AS p JOIN mailstore_message AS m ON m.id = p.message_id"
    " ORDER BY p.at DESC, p.mailbox_id DESC, p.uid DESC"
)
_BEFORE: Final = " AND (x.at, x.mailbox_id, x.uid) < (%s, %s, %s)"
_TOTALS: Final = (
    "SELECT COUNT(*), COALESCE(SUM(x.size), 0) FROM mailstore_mailbox AS b"
    " JOIN mailstore_expunged AS x ON x.mailbox_id = b.id"
    f" WHERE {{scope}} AND b.deleted_at IS NULL AND {_KEPT} AND x.at >= %s"
)
_UIDS: Final = (
    "SELECT x.uid FROM mailstore_expunged AS x"
    f" WHERE x.mailbox_id = %s AND {_KEPT} AND x.at >= %s ORDER BY x.uid"
)
_SIZE: Final = (
    "SELECT COALESCE(SUM(x.size), 0) FROM mailstore_expunged AS x"
    f" WHERE x.mailbox_id = %s AND {{uids}} AND {_KEPT}"
)
# Which deletion it was: the newest, for a mailbox may have been brought back and deleted again.
_DELETED: Final = """
SELECT b.id, b.name, b.special_use, b.deleted_at, s.messages, s.size,
  c.user_id, COALESCE(c.door, ''), COALESCE(c.client, ''), COALESCE(c.address, '')
FROM mailstore_mailbox AS b JOIN mailstore_mailboxstate AS s ON s.mailbox_id = b.id
LEFT JOIN mailstore_change AS c ON c.id = (
  SELECT MAX(d.id) FROM mailstore_change AS d WHERE d.mailbox_id = b.id AND d.what = 'delete')
WHERE b.user_id = %s AND b.deleted_at >= %s
ORDER BY b.deleted_at DESC, b.id DESC"""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was expunged from a mailbox that is there.

    at: when it was expunged, Unix seconds.
    flags: as they were; `\\Deleted` mostly among them.
    user_id: who expunged it, None for the service itself.
    """

    mailbox_id: int
    mailbox: str
    uid: int
    at: int
    flags: int
    internaldate: int
    size: int
    message_id: int
    head_id: int | None
    user_id: int | None
    subject: str
    sender_name: str
    sender_address: str
    recipients: str

    @property
    def key(self) -> "Key":
        """Where the next page goes on."""
        return Key(self.at, self.mailbox_id, self.uid)


class Key(NamedTuple):
    """The place of a message in a list."""

    at: int
    mailbox_id: int
    uid: int


class Totals(NamedTuple):
    """`size` in bytes."""

    messages: int
    size: int


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A deleted mailbox, with what it still holds; `size` in bytes, `deleted_at` in Unix seconds.

    user_id, door, client, address: who deleted it and how, as the journal has it.
    """

    id: int
    name: str
    special_use: str
    deleted_at: int
    messages: int
    size: int
    user_id: int | None
    door: str
    client: str
    address: str


def messages(
    user_id: int,
    *,
    mailbox_id: int | None = None,
    since: int = 0,
    before: Key | None = None,
    limit: int = 50,
) -> list[Message]:
    """Expunged messages of a user's live mailboxes, those expunged last first; one query, which
    reads all that is kept of these mailboxes.

    Args:
        mailbox_id: only of this one.
        since: only what was expunged then or later, Unix seconds.
        before: the `key` of the last message of the page before.
    """
    scope, parameters = _scope(user_id, mailbox_id)
    sql = _PAGE.format(scope=scope, before=_BEFORE if before else "")
    rows = fetch(sql, [*parameters, since, *(before or ()), limit])
    return [Message(*row) for row in rows]


def totals(user_id: int, *, mailbox_id: int | None = None, since: int = 0) -> Totals:
    """How much of that there is in all; one query."""
    scope, parameters = _scope(user_id, mailbox_id)
    ((count, size),) = fetch(_TOTALS.format(scope=scope), [*parameters, since])
    return Totals(int(count), int(size))


def mailboxes(user_id: int, *, since: int = 0) -> list[Mailbox]:
    """Deleted mailboxes of a user, those deleted last first; one query."""
    return [Mailbox(*row) for row in fetch(_DELETED, [user_id, since])]


def uids(mailbox_id: int, *, since: int = 0) -> list[int]:
    """UIDs of what can be brought back of a mailbox, rising; one query."""
    return [row[0] for row in fetch(_UIDS, [mailbox_id, since])]


def size_of(mailbox_id: int, chosen: Sequence[int]) -> int:
    """Bytes that these messages take when they are brought back; one query."""
    sql = _SIZE.format(uids=among("x.uid"))
    return int(fetch(sql, [mailbox_id, listed(chosen)])[0][0])


def _scope(user_id: int, mailbox_id: int | None) -> tuple[str, list[Any]]:
    if mailbox_id is None:
        return "b.user_id = %s", [user_id]
    return "b.user_id = %s AND b.id = %s", [user_id, mailbox_id]
