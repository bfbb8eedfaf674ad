"""Writes anew what is kept of a message beside its bytes, when fsck has found it damaged. What was
there is set aside."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import connection, transaction

from apps.blobs import services as blobs
from apps.blobs.services import PreparedBlob
from apps.mailstore.services import aside, unindexed
from apps.runtime.rows import ManyRows

COLUMNS: Final = frozenset(
    "prefix cuts size header_size header envelope bodystructure parts subject sender_name"
    " sender_address recipients sent_at sent_date message_id in_reply_to references preview"
    " has_attachments".split()
)
_OWNERS: Final = """
SELECT b.user_id FROM mailstore_entry AS t JOIN mailstore_mailbox AS b ON b.id = t.mailbox_id
WHERE t.message_id = %s UNION
SELECT b.user_id FROM mailstore_expunged AS t JOIN mailstore_mailbox AS b ON b.id = t.mailbox_id
WHERE t.message_id = %s"""
_NEW_LINE_SIZE = ManyRows(
    "INSERT INTO mailstore_linesize (message_id, growth, ascii_growth)", "bigint bigint bigint"
)


def message(message_id: int, right: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Give columns of a message the values that its bytes have, in a transaction of its own, and
    have it indexed anew; false if it is gone.

    Args:
        right: what to write, by `COLUMNS`.
        before: what was there instead, to be set aside.
    """
    assert right.keys() <= COLUMNS
    given = ", ".join(f'"{name}" = %s' for name in right)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE mailstore_message SET {given} WHERE id = %s", [*right.values(), message_id]
        )
        if not cursor.rowcount:
            return False
        aside.keep("derived", f"message {message_id}", before)
        cursor.execute(_OWNERS, [message_id, message_id])
        unindexed.arrived((owner, message_id) for (owner,) in cursor.fetchall())
    return True


def line_size(message_id: int, growth: tuple[int, int] | None) -> bool:
    """Give a message the `LineSize` that its bytes have, or none."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM mailstore_message WHERE id = %s", [message_id])
        if cursor.fetchone() is None:
            return False
        cursor.execute("DELETE FROM mailstore_linesize WHERE message_id = %s", [message_id])
        if growth is not None:
            _NEW_LINE_SIZE.write([(message_id, *growth)])
    return True


def blob(found: PreparedBlob) -> bool:
    """Give an object its row back; false if it has one."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM blobs_blob WHERE id = %s", [found.id.hex])
        if cursor.fetchone() is not None:
            return False
        blobs.insert([found])
    return True
