"""Counting what we write letters about, so that no flood makes a flood of letters."""

from typing import Final

from apps.runtime.clock import now
from apps.runtime.rows import fetch
from apps.scan.models import Notice

_COUNT: Final = """
INSERT INTO scan_notice (key, until, count) VALUES (%s, %s, 1)
ON CONFLICT (key) DO UPDATE SET
  count = CASE WHEN scan_notice.until BETWEEN %s AND %s THEN scan_notice.count + 1 ELSE 1 END,
  until = CASE WHEN scan_notice.until BETWEEN %s AND %s THEN scan_notice.until
    ELSE excluded.until END
RETURNING count"""


def count(key: str, seconds: int) -> int:
    """The how-manieth this is of its kind in a period, within the caller's transaction.

    Args:
        key: of the kind, at most 100 characters.
        seconds: how long a period is; it begins with the first one.
    """
    at = now()
    # One that ends far later than one that begins now was begun while a clock was wrong.
    running = [at + 1, at + 2 * seconds]
    return int(fetch(_COUNT, [key[:100], at + seconds, *running, *running])[0][0])


def prune() -> int:
    """Forget periods that are over; how many."""
    return Notice.objects.filter(until__lt=now()).delete()[0]
