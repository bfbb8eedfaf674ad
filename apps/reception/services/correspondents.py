"""The write door of whom our users wrote to: their answers are welcome."""

from collections.abc import Sequence
from typing import Final

from django.db import connection, transaction

from apps.reception.keys import key_of
from apps.reception.services.columns import in_pieces, remove, told
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows

DAY_SECONDS: Final = 86_400
KEEP_DAYS: Final = 730
MOST_OF_A_USER: Final = 20_000
ADDRESS_LENGTH: Final = 320

_NOTE = ManyRows(
    "INSERT INTO reception_correspondent (key, user_id, address, last_at, messages)",
    "bigint bigint text bigint int",
    "ON CONFLICT (key) DO UPDATE SET last_at = excluded.last_at,"
    " messages = reception_correspondent.messages + excluded.messages",
)
_PRUNE = """
DELETE FROM reception_correspondent WHERE key IN (
  SELECT key FROM reception_correspondent WHERE last_at < %s LIMIT %s)"""
_FULL = """
SELECT user_id FROM reception_correspondent GROUP BY user_id HAVING count(*) > %s"""
_PRUNE_USER = """
DELETE FROM reception_correspondent WHERE key IN (
  SELECT key FROM reception_correspondent WHERE user_id = %s
  ORDER BY last_at DESC, key LIMIT %s OFFSET %s)"""


def note(written: Sequence[tuple[int, str, int]]) -> None:
    """Note to whom users wrote, within the caller's transaction; one statement.

    Args:
        written: (user, the `Address.key` of one that the message went to, Unix seconds) for each.
    """
    rows: dict[int, tuple[int, int, str, int, int]] = {}
    for user_id, address, at in written:
        key = key_of(str(user_id), address)
        before = rows.get(key)
        messages = 1 if before is None else before[4] + 1
        rows[key] = key, user_id, told(address, ADDRESS_LENGTH), at, messages
    # Always in one order, so that two transactions never wait for each other in a circle.
    _NOTE.write(sorted(rows.values()))


def prune() -> int:
    """Forget whom nobody wrote to for long, and the oldest of users who wrote to very many."""
    total = in_pieces(lambda: remove(_PRUNE, now() - KEEP_DAYS * DAY_SECONDS))
    with connection.cursor() as cursor:
        cursor.execute(_FULL, [MOST_OF_A_USER])
        users = [row[0] for row in cursor.fetchall()]
    for user_id in users:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_PRUNE_USER, [user_id, 100_000, MOST_OF_A_USER])
            total += cursor.rowcount
    return total
