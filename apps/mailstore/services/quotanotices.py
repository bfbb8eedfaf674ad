"""What users were told of how full their mailboxes are: the only door to `QuotaNotice`."""

from typing import Final

from django.db import connection

from apps.mailstore.fullness import Changed
from apps.mailstore.models import QuotaNotice

# Of two who have seen the same, one has the row: the other waits for it, and finds another level.
_CLAIM: Final = """
INSERT INTO mailstore_quotanotice AS n (user_id, level, told_at) VALUES (%s, %s, %s)
ON CONFLICT (user_id) DO UPDATE SET level = excluded.level, told_at = excluded.told_at
WHERE n.level = %s
RETURNING user_id"""


def claim(one: Changed, at: int) -> bool:
    """Note that a user is told of a level, in the transaction that queues the letter; False if
    somebody else has told it, or that it is another, meanwhile.

    Args:
        at: Unix seconds.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [one.user_id, one.level, at, one.told])
        return cursor.fetchone() is not None


def lower(one: Changed) -> None:
    """A mailbox is emptier: what it was told of comes again when it is as full again."""
    rows = QuotaNotice.objects.filter(user=one.user_id, level=one.told)
    if one.level:
        rows.update(level=one.level)
    else:
        rows.delete()
