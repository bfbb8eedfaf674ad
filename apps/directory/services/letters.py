"""Counting the letters that one user is sent about an account: the only door through which the
count changes, so that nobody can make a page fill somebody's mailbox.

The rows are those of sending limits, which forget hours and days that are over.
"""

from django.db import connection

from apps.directory.limits import period
from apps.runtime.clock import now

_COUNT = """
INSERT INTO directory_sendcount (scope, period, messages, recipients, is_told)
VALUES (%s, %s, 1, 0, false)
ON CONFLICT (scope, period) DO UPDATE SET messages = directory_sendcount.messages + 1
WHERE directory_sendcount.messages < %s
RETURNING id"""


def may_go(kind: str, user_id: int, most: int) -> bool:
    """Whether one more letter of a kind may go to a user today, who is then counted, in the
    caller's transaction.

    Args:
        kind: up to five letters.
        most: a day of UTC, one or more.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [f"{kind}/{user_id}", period("day", now()), most])
        return cursor.fetchone() is not None
