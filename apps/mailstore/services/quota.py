"""Space of users: reserved when mail is accepted for them, used when it is filed.

A user is full when what is kept plus what is reserved reaches the quota; a message is taken while
the user is not full. So a mailbox may end up over its quota by less than one message, however
many writers there are: the check and the reservation are one statement, and a user's row admits
one writer at a time. Expunged mail frees its space at once, though it can be undeleted for some
days: what a user cannot see does not count. It is kept while it is less than the quota once more
(`purge.trim`); who has expunged more than that within the hour that all of it is kept cannot append
or copy until the hour is over. Mail from outside is taken all the same.
"""

from collections.abc import Sequence

from django.db import connection

from apps.mailstore.services.locks import lock
from apps.runtime.rows import ManyRows, Values
from apps.wire.errors import QuotaExceeded

# `before` is the total without the last message: the user must not be full when that one comes.
_RESERVED = Values("d", "owner bigint, total bigint, before bigint")
_RELEASED = Values("d", "owner bigint, total bigint")
_NEW = ManyRows(
    "INSERT INTO mailstore_usage (user_id, size, messages, reserved, expunged)",
    "bigint bigint bigint bigint bigint",
    "ON CONFLICT (user_id) DO NOTHING",
)

_LEFT = """
SELECT o.quota, u.size + u.reserved FROM mailstore_usage AS u
JOIN directory_user AS o ON o.id = u.user_id WHERE u.user_id = %s"""

_HAS_ROOM = """
SELECT 1 FROM mailstore_usage AS u JOIN directory_user AS o ON o.id = u.user_id
WHERE u.user_id = %s AND (
  o.quota = 0 OR (u.size + u.reserved + %s < o.quota AND u.expunged <= o.quota))"""


def reserve(rows: Sequence[tuple[int, int]]) -> set[int]:
    """Reserve space for messages, within the caller's transaction.

    Args:
        rows: (user id, bytes) of each message; a user may come several times.

    Returns:
        The users who are full. For each user either all of its rows are reserved or none.
    """
    if not rows:
        return set()
    totals: dict[int, tuple[int, int]] = {}
    for user_id, size in rows:
        total = totals.get(user_id, (0, 0))[0]
        totals[user_id] = (total + size, total)
    table = [(user_id, *totals[user_id]) for user_id in sorted(totals)]
    lock(users=totals)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
UPDATE mailstore_usage AS u SET reserved = u.reserved + d.total
FROM {_RESERVED.sql}
WHERE u.user_id = d.owner AND EXISTS (
  SELECT 1 FROM directory_user AS o
  WHERE o.id = d.owner AND (o.quota = 0 OR u.size + u.reserved + d.before < o.quota))
RETURNING user_id""",
            _RESERVED.parameters(table),
        )
        return set(totals).difference(row[0] for row in cursor.fetchall())


def release(rows: Sequence[tuple[int, int]]) -> None:
    """Give back reserved (user id, bytes) of mail that was deleted or refused, within the caller's
    transaction."""
    totals: dict[int, int] = {}
    for user_id, size in rows:
        totals[user_id] = totals.get(user_id, 0) + size
    if not totals:
        return
    lock(users=totals)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
UPDATE mailstore_usage AS u SET reserved = u.reserved - d.total
FROM {_RELEASED.sql} WHERE u.user_id = d.owner""",
            _RELEASED.parameters(sorted(totals.items())),
        )


def open_account(user_id: int) -> None:
    """Give a user an empty row; nothing happens if there is one."""
    _NEW.write([(user_id, 0, 0, 0, 0)])


def require(user_id: int, sizes: Sequence[int]) -> None:
    """Check that a user may keep messages of these sizes, within the caller's transaction; locks
    its row.

    Raises:
        QuotaExceeded: the user is full, or would be before the last of them, or has expunged more
            than the quota just now.
    """
    if not sizes:
        return
    lock(users=[user_id])
    with connection.cursor() as cursor:
        cursor.execute(_HAS_ROOM, [user_id, sum(sizes[:-1])])
        if cursor.fetchone() is None:
            raise QuotaExceeded(f"user {user_id} is full")


def require_room(user_id: int, size: int) -> None:
    """Check that all of `size` bytes that a user once had fit in again, within the caller's
    transaction; locks its row. What was expunged does not matter: it gets less by it.

    Raises:
        QuotaExceeded: it says how much is missing.
    """
    if not size:
        return
    lock(users=[user_id])
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, [user_id])
        quota, used = cursor.fetchone()
    if quota and used + size > quota:
        missing = used + size - quota
        text = f"Mailbox is full: {size} bytes to bring back, {missing} more than there is room for"
        raise QuotaExceeded(f"user {user_id}: {used} of {quota} used, {size} wanted", text=text)
