"""A mailbox as a protocol of lines sees it (POP3): its messages with the octets that are sent.

Most messages are sent as they are kept. Those whose lines do not all end with CRLF, or whose header
has UTF-8 in it, have a row of `LineSize` that says how much longer they get: made once, when the
message is filed, so that a listing of any length is one statement and true to the octet.
"""

from array import array
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

from apps.wire.errors import NotFound

_INBOX: Final = (
    "SELECT id FROM mailstore_mailbox"
    " WHERE user_id = %s AND special_use = 'inbox' AND deleted_at IS NULL"
)
_SIZES: Final = {
    utf8: f"SELECT e.uid, e.size + COALESCE(l.{column}, 0), m.trace_id, l.message_id IS NOT NULL"
    " FROM mailstore_entry AS e JOIN mailstore_message AS m ON m.id = e.message_id"
    " LEFT JOIN mailstore_linesize AS l ON l.message_id = e.message_id"
    " WHERE e.mailbox_id = %s ORDER BY e.uid"
    for utf8, column in ((True, "growth"), (False, "ascii_growth"))
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A mailbox, its messages in the order of UIDs.

    octets: how many each message is sent as.
    traces: the trace id of each, 16 octets.
    changed: UIDs of those that are not sent as they are kept.
    """

    mailbox_id: int
    uids: "array[int]"
    octets: "array[int]"
    traces: bytes
    changed: frozenset[int]


def inbox(user_id: int, *, utf8: bool) -> Listing:
    """A user's INBOX; two queries.

    Args:
        utf8: messages go out as they are; else those with UTF-8 in their header as surrogates.

    Raises:
        NotFound: there is none.
    """
    uids, octets, traces = array("Q"), array("Q"), bytearray()
    changed: set[int] = set()
    with connection.cursor() as cursor:
        cursor.execute(_INBOX, [user_id])
        found = cursor.fetchone()
        if found is None:
            raise NotFound(text="No such mailbox")
        cursor.execute(_SIZES[utf8], found)
        while rows := cursor.fetchmany(2_000):
            columns = list(zip(*rows, strict=True))
            uids.extend(columns[0])
            octets.extend(columns[1])
            traces += b"".join(map(_octets, columns[2]))
            if any(columns[3]):
                changed.update(row[0] for row in rows if row[3])
    return Listing(found[0], uids, octets, bytes(traces), frozenset(changed))


def _octets(trace: UUID | str) -> bytes:
    """Of a UUID as the database has it: SQLite keeps 32 hexadecimal digits."""
    return bytes.fromhex(trace) if isinstance(trace, str) else trace.bytes
