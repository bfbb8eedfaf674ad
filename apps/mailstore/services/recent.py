"""\\Recent (RFC 3501 section 2.3.2): which messages no session has been told of yet.

A mailbox keeps one number: UIDs from `recent_floor` on are \\Recent to the next session that is
told of them. Whoever tells takes them in the database, under the mailbox's lock, so that of any
number of sessions in any number of processes one has a message as \\Recent.
"""

from collections.abc import Mapping
from typing import Final

from django.db import connection, transaction

from apps.mailstore.services.locks import lock
from apps.runtime.rows import Values, among, listed

_WANTED = Values("d", "box bigint, floor bigint")
_READ: Final = "SELECT mailbox_id, recent_floor FROM mailstore_mailboxstate WHERE "


def claim(wanted: Mapping[int, int]) -> dict[int, int]:
    """Take what is \\Recent in mailboxes, in one transaction of its own for all of them.

    The number only rises; nothing else changes, no modseq either.

    Args:
        wanted: mailbox id -> UID below which all are taken.

    Returns:
        For each mailbox that is there the first UID that was free: those from there to below the
        wanted one are the caller's. It may be the wanted one, or above: then there was nothing.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        lock(mailboxes=wanted)
        cursor.execute(_READ + among("mailbox_id"), [listed(sorted(wanted))])
        floors = dict(cursor.fetchall())
        rising = [(box, end) for box, end in sorted(wanted.items()) if floors.get(box, end) < end]
        if rising:
            cursor.execute(
                "UPDATE mailstore_mailboxstate AS s SET recent_floor = d.floor"
                f" FROM {_WANTED.sql} WHERE s.mailbox_id = d.box",
                _WANTED.parameters(rising),
            )
    return floors
