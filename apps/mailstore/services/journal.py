"""Housekeeping of the journal of changes. It is written by `filing.record`."""

from typing import Final

from django.db import connection, transaction

from apps.runtime.clock import now_us

KEEP_DAYS: Final = 90
ROWS: Final = 5_000  # of one transaction
_DAY_US: Final = 86_400 * 1_000_000
_PRUNE: Final = """
DELETE FROM mailstore_change WHERE id IN (
  SELECT id FROM mailstore_change WHERE at < %s ORDER BY at LIMIT %s)"""


def prune(keep_days: int = KEEP_DAYS) -> int:
    """Remove rows older than that, in small transactions; returns how many."""
    before = now_us() - keep_days * _DAY_US
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_PRUNE, [before, ROWS])
            removed: int = cursor.rowcount
        total += removed
        if removed < ROWS:
            return total
