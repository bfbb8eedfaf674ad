"""Tells the search index what it has to look at again, in the transaction that changed it.

The index knows pairs of an owner and a message, so what counts is the first trace of a message
among an owner's mailboxes, and the last: entries and expunges alike, for what was expunged can be
brought back and is then found at once. What happens in between changes nothing: flags are not
indexed, and a copy among the owner's own mailboxes shows the same message below the same head.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.db import connection

from apps.runtime.rows import ManyRows, Values

_HEAD: Final = "INSERT INTO mailstore_unindexed (user_id, message_id)"
_ARRIVED = ManyRows(_HEAD, "bigint bigint")
_COPIED: Final = _HEAD + " SELECT DISTINCT CAST(%s AS bigint), message_id FROM {source}"
_MESSAGES = Values("d", "message bigint")
# CROSS JOIN has SQLite begin at the message, which few entries name; a mailbox may have many.
_NO_TRACE: Final = """NOT EXISTS (
  SELECT 1 FROM {table} AS t CROSS JOIN mailstore_mailbox AS b
  WHERE t.message_id = d.message AND b.id = t.mailbox_id AND b.user_id = %s)"""
_LEFT: Final = (
    _HEAD
    + " SELECT CAST(%s AS bigint), d.message FROM {messages} WHERE "
    + _NO_TRACE.format(table="mailstore_entry")
    + " AND "
    + _NO_TRACE.format(table="mailstore_expunged")
)


def arrived(pairs: Iterable[tuple[int, int]]) -> None:
    """Note (owner of the mailbox, message id) of messages that were given to users; one statement,
    within the caller's transaction."""
    _ARRIVED.write(sorted(set(pairs)))


def copied(user_id: int, source: str, parameters: Sequence[Any]) -> None:
    """Note the messages of rows that are being copied to a user who may not have had them.

    Args:
        source, parameters: what stands behind FROM; it has a column `message_id`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COPIED.format(source=source), [user_id, *parameters])


def left(user_id: int, message_ids: Sequence[int]) -> None:
    """Note those of these messages of which a user has no trace any more.

    Rows of `Entry` and `Expunged` that just went are gone already, under the lock of the user's
    `Usage`: of two transactions that each take one of the last two traces, the later one sees that
    none is left.
    """
    if not message_ids:
        return
    rows = _MESSAGES.parameters([(message_id,) for message_id in message_ids])
    with connection.cursor() as cursor:
        cursor.execute(_LEFT.format(messages=_MESSAGES.sql), [user_id, *rows, user_id, user_id])
