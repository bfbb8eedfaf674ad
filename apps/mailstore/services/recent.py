"""\\Recent (RFC 3501 section 2.3.2): which messages no session has been told of yet.

A mailbox keeps one number: UIDs from `recent_floor` on are \\Recent to the next session that
selects it for writing.
"""

from django.db import connection


def claim(*, mailbox_id: int, floor: int) -> None:
    """Sessions have been told of all UIDs below `floor`. The number only rises; nothing else
    changes, no modseq either."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mailstore_mailboxstate SET recent_floor = %s"
            " WHERE mailbox_id = %s AND recent_floor < %s",
            [floor, mailbox_id, floor],
        )
