"""Which keywords a user's mail has: reads."""

from typing import Final

from apps.mailstore.conversations import UNSEEN
from apps.mailstore.models import SpecialUse
from apps.runtime.rows import fetch

LOOKED_AT: Final = 1_000
"""Messages with keywords of one mailbox that `in_use` looks at, the newest: a name that stands only
in older ones is not worth a walk over all mail at every page."""
MOST: Final = 500  # names

# A name stays when no message has it any more (RFC 3501 section 7.2.6: clients know the list), so
# that it is there says nothing.
_IN_USE: Final = f"""
SELECT MIN(k.name) FROM mailstore_mailbox AS b
JOIN mailstore_keyword AS k ON k.mailbox_id = b.id
WHERE b.user_id = %s AND b.deleted_at IS NULL AND EXISTS (
  SELECT 1 FROM (
    SELECT e.keywords FROM mailstore_entry AS e
    WHERE e.mailbox_id = b.id AND e.keywords <> 0
    ORDER BY e.internaldate DESC, e.uid DESC LIMIT {LOOKED_AT}
  ) AS newest WHERE newest.keywords & (CAST(1 AS bigint) << k.bit) <> 0)
GROUP BY LOWER(k.name) LIMIT {MOST}"""
_HOLDING: Final = """
SELECT b.id, k.bit FROM mailstore_mailbox AS b
JOIN mailstore_keyword AS k ON k.mailbox_id = b.id
WHERE b.user_id = %s AND b.deleted_at IS NULL AND LOWER(k.name) = %s ORDER BY b.id"""

# The partial index of unread mail is walked, of each mailbox its newest; the row of the oldest of
# these is found first, which both databases do by index alone.
_UNREAD: Final = f"""
SELECT LOWER(k.name), COUNT(*) FROM mailstore_mailbox AS b
JOIN mailstore_entry AS e ON e.mailbox_id = b.id AND {UNSEEN.format("e")}
  AND (e.internaldate, e.uid) >= (SELECT o.internaldate, o.uid FROM (
    SELECT f.internaldate, f.uid FROM mailstore_entry AS f
    WHERE f.mailbox_id = b.id AND {UNSEEN.format("f")}
    ORDER BY f.internaldate DESC, f.uid DESC LIMIT {LOOKED_AT}
  ) AS o ORDER BY o.internaldate, o.uid LIMIT 1)
JOIN mailstore_keyword AS k ON k.mailbox_id = b.id
  AND e.keywords & (CAST(1 AS bigint) << k.bit) <> 0
WHERE b.user_id = %s AND b.deleted_at IS NULL AND b.special_use NOT IN (%s, %s)
  AND e.keywords <> 0
GROUP BY LOWER(k.name)"""


def in_use(user_id: int) -> list[str]:
    """The keywords of the newest messages in a user's mailboxes, by name; one query of bounded
    work. Those of programs (`$Forwarded`) are among them."""
    return sorted((row[0] for row in fetch(_IN_USE, [user_id])), key=str.lower)


def unread(user_id: int) -> dict[str, int]:
    """By keyword in small letters: how many of a user's unread messages have it, without Junk and
    Trash; one query, which looks at the newest `LOOKED_AT` unread ones of each mailbox."""
    return dict(fetch(_UNREAD, [user_id, SpecialUse.JUNK, SpecialUse.TRASH]))


def holding(user_id: int, keyword: str) -> dict[int, int]:
    """The mailboxes of a user that know a keyword, and its mask there; one query."""
    return {row[0]: 1 << row[1] for row in fetch(_HOLDING, [user_id, keyword.lower()])}
