"""Messages that mail servers wrote, as far as their author's name tells: the few that may be about
one message of somebody's. Constant SQL on both databases, bounded by the index of dates."""

from typing import Final

from apps.mailstore.conversations import COLUMNS, FROM, Head
from apps.runtime.rows import fetch

LOOKED_AT: Final = 500
"""Messages of a mailbox, from a moment on, whose authors are looked at."""

_NAMES: Final = ("mailer-daemon@%%", "postmaster@%%", "microsoftexchange%%")
_BY_SERVER: Final = " OR ".join(f"lower(m.sender_address) LIKE '{one}'" for one in _NAMES)
_SINCE: Final = (
    f"SELECT {COLUMNS}{FROM} WHERE e.mailbox_id = %s AND e.uid IN"
    " (SELECT i.uid FROM mailstore_entry AS i WHERE i.mailbox_id = %s"
    " AND i.internaldate BETWEEN %s AND %s ORDER BY i.internaldate, i.uid LIMIT %s)"
    f" AND (m.sender_address = '' OR {_BY_SERVER})"
    " ORDER BY e.internaldate DESC, e.uid DESC LIMIT %s"
)


def since(mailbox_id: int, first: int, until: int, limit: int) -> list[Head]:
    """The newest `limit` of those that came into a mailbox in a time; one query.

    Args:
        first, until: Unix seconds.
    """
    parameters = [mailbox_id, mailbox_id, first, until, LOOKED_AT, limit]
    return [Head(*row) for row in fetch(_SINCE, parameters)]
