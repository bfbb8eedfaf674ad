"""The order of locks, in one place: users by id, then mailboxes by id.

On Postgres every writer locks the rows it will change in this order before it changes the first,
with one statement for each table: plain UPDATEs of many rows take them in any order and deadlock
(46 times in 2.5 s with four writers). NO KEY: an insert that refers to such a row by foreign key
need not wait. On SQLite writers take turns anyway, and both functions do nothing.
"""

from collections.abc import Iterable

from django.db import connection

from apps.runtime.rows import among, listed


def lock(*, users: Iterable[int] = (), mailboxes: Iterable[int] = ()) -> None:
    """Lock rows of `Usage`, then of `MailboxState`, until the caller's transaction ends."""
    if connection.vendor == "postgresql":
        _lock("mailstore_usage", "user_id", users)
        _lock("mailstore_mailboxstate", "mailbox_id", mailboxes)


def _lock(table: str, key: str, ids: Iterable[int]) -> None:
    wanted = sorted(set(ids))
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT 1 FROM {table} WHERE {among(key)} ORDER BY {key} FOR NO KEY UPDATE",
                [listed(wanted)],
            )
