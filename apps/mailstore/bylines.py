"""A mailbox as a protocol of lines sees it (POP3): its messages with the octets that are sent.

Most messages are sent as they are kept. Those whose lines do not all end with CRLF, or whose header
has UTF-8 in it, have a row of `LineSize` that says how much longer they get: made once, when the
message is filed, so that a listing of any length is one statement and true to the octet.
"""

from array import array
from dataclasses import dataclass
from typing import Final

from django.db import connection

from apps.wire.errors import NotFound

_INBOX: Final = (
    "SELECT id, uidvalidity FROM mailstore_mailbox"
    " WHERE user_id = %s AND special_use = 'inbox' AND deleted_at IS NULL"
)
_SIZES: Final = {
    utf8: f"SELECT e.uid, e.size + COALESCE(l.{column}, 0), l.message_id IS NOT NULL"
    " FROM mailstore_entry AS e LEFT JOIN mailstore_linesize AS l ON l.message_id = e.message_id"
    " WHERE e.mailbox_id = %s ORDER BY e.uid"
    for utf8, column in ((True, "growth"), (False, "ascii_growth"))
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """UIDs, rising, beside the octets that each message is sent as.

    changed: UIDs of those that are not sent as they are kept.
    """

    uids: "array[int]"
    octets: "array[int]"
    changed: frozenset[int]


def inbox(user_id: int) -> tuple[int, int]:
    """(id, uidvalidity) of a user's INBOX; one query. Raises NotFound."""
    with connection.cursor() as cursor:
        cursor.execute(_INBOX, [user_id])
        row = cursor.fetchone()
    if row is None:
        raise NotFound(text="No such mailbox")
    return row[0], row[1]


def sizes(mailbox_id: int, *, utf8: bool) -> Sizes:
    """All messages of a mailbox; one query.

    Args:
        utf8: messages go out as they are; else those with UTF-8 in their header as surrogates.
    """
    uids, octets = array("Q"), array("Q")
    changed: set[int] = set()
    with connection.cursor() as cursor:
        cursor.execute(_SIZES[utf8], [mailbox_id])
        while rows := cursor.fetchmany(2_000):
            columns = list(zip(*rows, strict=True))
            uids.extend(columns[0])
            octets.extend(columns[1])
            if any(columns[2]):
                changed.update(uid for uid, _, is_changed in rows if is_changed)
    return Sizes(uids, octets, frozenset(changed))
