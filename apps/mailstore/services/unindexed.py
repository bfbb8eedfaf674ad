"""Tells the search index what it has to look at again, in the transaction that changed it.

The index knows pairs of an owner and a message, so what counts is the first trace of a message
among an owner's mailboxes, and the last: entries and expunges alike, for what was expunged can be
brought back and is then found at once. What happens in between changes nothing: flags are not
indexed, and a copy among the owner's own mailboxes shows the same message below the same head.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from django.db import connection

from apps.runtime.rows import ManyRows, Values, among, fetch, listed

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

_WAITING: Final = (
    "SELECT id, user_id, message_id FROM mailstore_unindexed WHERE id > %s ORDER BY id LIMIT %s"
)
_LOWEST: Final = (
    "SELECT min(id) FROM (SELECT id FROM mailstore_message WHERE id < %s ORDER BY id DESC LIMIT %s)"
    " AS page"
)
_TRACES: Final = (
    "SELECT b.user_id, t.message_id FROM {table} AS t"
    " JOIN mailstore_mailbox AS b ON b.id = t.mailbox_id WHERE t.message_id BETWEEN %s AND %s"
)
_ENTER: Final = (
    f"{_HEAD} SELECT user_id, message_id FROM"
    f" ({_TRACES.format(table='mailstore_entry')} UNION"
    f" {_TRACES.format(table='mailstore_expunged')}) AS traces ORDER BY message_id DESC"
)
_DROP: Final = (
    "DELETE FROM mailstore_unindexed"
    " WHERE id IN (SELECT id FROM mailstore_unindexed ORDER BY id LIMIT %s)"
)


class Waiting(NamedTuple):
    """A row of the outbox."""

    id: int
    user_id: int
    message_id: int


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


def waiting(after: int, limit: int) -> list[Waiting]:
    """Rows of the outbox behind an id, in order; one query."""
    return [Waiting(*row) for row in fetch(_WAITING, [after, limit])]


def waiting_of(user_id: int) -> list[int]:
    """Ids of the messages of a user that wait, some perhaps several times; one query."""
    sql = "SELECT message_id FROM mailstore_unindexed WHERE user_id = %s"
    return [message_id for (message_id,) in fetch(sql, [user_id])]


def backlog() -> int:
    """How many rows wait; one query."""
    return int(fetch("SELECT count(*) FROM mailstore_unindexed", [])[0][0])


def settled(ids: Sequence[int]) -> None:
    """Take rows off, within the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM mailstore_unindexed WHERE {among('id')}", [listed(ids)])


def drop(limit: int) -> int:
    """Take the oldest rows off unseen, because everything will be looked at anyway; return how many
    there were."""
    with connection.cursor() as cursor:
        cursor.execute(_DROP, [limit])
        return int(cursor.rowcount)


def enter(below: int, limit: int) -> int | None:
    """Note all mail there is of the newest `limit` messages whose id is below one, newest first;
    within the caller's transaction.

    Returns:
        The lowest of these ids, to go on with; None if there was none.
    """
    lowest = fetch(_LOWEST, [below, limit])[0][0]
    if lowest is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_ENTER, [lowest, below - 1] * 2)
    return int(lowest)


def newest() -> int:
    """The highest id of a message, 0 if there is none."""
    return int(fetch("SELECT max(id) FROM mailstore_message", [])[0][0] or 0)
