"""Housekeeping of the journal of changes. It is written by `filing.record`."""

from typing import Final

from django.conf import settings
from django.db import connection, transaction

from apps.runtime.clock import now_us

KEEP_DAYS: Final = 90
ROWS: Final = 5_000  # of one transaction
_DAY_US: Final = 86_400 * 1_000_000
_PRUNE: Final = """
DELETE FROM mailstore_change WHERE id IN (
  SELECT id FROM mailstore_change WHERE at < %s ORDER BY at LIMIT %s)"""


def prune(keep_days: int | None = None) -> int:
    """Remove rows older than that, in small transactions; returns how many.

    Args:
        keep_days: None for KEEP_DAYS, or UNDELETE_DAYS if that is more: what can be brought back
            can be chosen by who removed it.
    """
    days = max(KEEP_DAYS, settings.UNDELETE_DAYS) if keep_days is None else keep_days
    before = now_us() - days * _DAY_US
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_PRUNE, [before, ROWS])
            removed: int = cursor.rowcount
        total += removed
        if removed < ROWS:
            return total
