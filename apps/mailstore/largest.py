"""What takes the space of a user: their largest messages."""

from typing import Final, NamedTuple

from apps.runtime.rows import fetch

# The narrow rows are sorted first, and what a page shows is read of the few that are left. It walks
# all mail of the user: 90 ms for 100,000 messages, for a page that is opened once in a while; an
# index would cost each delivery.
_LARGEST: Final = """
SELECT e.mailbox_id, e.uid, e.size, e.internaldate, m.subject, m.sender_name, m.sender_address
FROM (
    SELECT mailbox_id, uid, size, internaldate, message_id FROM mailstore_entry
    WHERE mailbox_id IN (
        SELECT id FROM mailstore_mailbox WHERE user_id = %s AND deleted_at IS NULL)
    ORDER BY size DESC, mailbox_id, uid LIMIT %s
) AS e
JOIN mailstore_message AS m ON m.id = e.message_id
ORDER BY e.size DESC, e.mailbox_id, e.uid"""


class LargeRow(NamedTuple):
    """A message of a user. `size` in octets, `internaldate` in Unix seconds."""

    mailbox_id: int
    uid: int
    size: int
    internaldate: int
    subject: str
    sender_name: str
    sender_address: str


def largest(user_id: int, *, limit: int) -> list[LargeRow]:
    """The largest messages of a user, the largest first; one statement."""
    return [LargeRow(*row) for row in fetch(_LARGEST, [user_id, limit])]
