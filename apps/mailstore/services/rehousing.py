"""Gives mail that nothing shows any more a place again, and puts aside small rows that nothing
names; for fsck. Each function says what it did, nothing if there was nothing to do any more.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.db import connection, transaction

from apps.events.bus import publish_on_commit
from apps.events.types import MailboxesChanged
from apps.mailstore.models import Mailbox
from apps.mailstore.services import aside, filing, mailboxes, threads, unindexed
from apps.mailstore.services.filing import Change, Entering, Growth, Use
from apps.mailstore.services.locks import lock
from apps.mailstore.services.mending import ORIGIN, RECOVERED
from apps.mailstore.services.recounting import count_mailbox, count_user, renew_uidvalidity
from apps.mailstore.services.threads import Arrival, digests
from apps.runtime.clock import now
from apps.runtime.rows import fetch

_MESSAGE: Final = """
SELECT m.size, m.created_at, m.message_id, m.in_reply_to, m."references"
FROM mailstore_message AS m WHERE m.id = %s
AND NOT EXISTS (SELECT 1 FROM mailstore_entry AS e WHERE e.message_id = m.id)
AND NOT EXISTS (SELECT 1 FROM mailstore_expunged AS x WHERE x.message_id = m.id)"""
_UNNAMED: Final = {
    "head": (
        "DELETE FROM mailstore_deliveryhead AS r WHERE r.id = %s"
        " AND NOT EXISTS (SELECT 1 FROM mailstore_entry AS e WHERE e.head_id = r.id)"
        " AND NOT EXISTS (SELECT 1 FROM mailstore_expunged AS x WHERE x.head_id = r.id)"
    ),
    "line-size": (
        "DELETE FROM mailstore_linesize AS r WHERE r.message_id = %s"
        " AND NOT EXISTS (SELECT 1 FROM mailstore_message AS m WHERE m.id = r.message_id)"
    ),
    "junk-mark": "DELETE FROM mailstore_junkmark AS r WHERE r.id = %s",
}


def refile(message_id: int, user_ids: Sequence[int]) -> str:
    """File a message that no mailbox shows into the mailbox `Recovered` of each of these users."""
    with transaction.atomic():
        lock(users=user_ids)
        rows = fetch(_MESSAGE, [message_id])
        if not rows:
            return ""
        size, created_at, *names = rows[0]
        boxes = {user_id: _recovered(user_id) for user_id in sorted(user_ids)}
        lock(mailboxes=boxes.values())
        places = filing.grow({box_id: Growth(1, 1, 1, size) for box_id in boxes.values()})
        known = digests(*names)
        found = threads.assign([Arrival(user_id, message_id, known) for user_id in boxes])
        at = now()
        entries = [
            Entering(message_id, None, 0, 0, created_at, 0, at, size, thread) for thread in found
        ]
        filing.insert_entries(
            [
                (box_id, *places[box_id], entry)
                for box_id, entry in zip(boxes.values(), entries, strict=True)
            ]
        )
        filing.use(Use(user_id, size, 1) for user_id in boxes)
        unindexed.arrived((user_id, message_id) for user_id in boxes)
        filing.record(
            [Change(box, "mend", [places[box].uid], places[box].modseq, ORIGIN) for box in places]
        )
    return f"filed into {RECOVERED}"


def _recovered(user_id: int) -> int:
    """The mailbox for what is found again; made if there is none."""
    found = Mailbox.objects.filter(user=user_id, name=RECOVERED, deleted_at=None).first()
    return (found or mailboxes.create(user_id=user_id, name=RECOVERED)).pk


def remake_mailbox(mailbox_id: int, user_id: int) -> str:
    """Make a mailbox whose rows are there, under a name and a UIDVALIDITY of its own."""
    with transaction.atomic():
        lock(users=[user_id], mailboxes=[mailbox_id])
        if Mailbox.objects.filter(pk=mailbox_id).exists():
            return ""
        name = f"{RECOVERED}-{mailbox_id}"
        box = Mailbox.objects.create(
            pk=mailbox_id, user_id=user_id, name=name, uidvalidity=0, created_at=now()
        )
        count_mailbox(box.pk)
        told = renew_uidvalidity(box.pk)
        count_user(user_id)
        publish_on_commit(MailboxesChanged(user_id))
    return f"made again as {name}, {told}"


def set_aside(kind: str, number: int) -> str:
    """Put a row aside that nothing names."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{_UNNAMED[kind]} RETURNING *", [number])
        row: Any = cursor.fetchone()
        if row is None:
            return ""
        names = [column[0] for column in cursor.description or ()]
        aside.keep(kind, f"row {number}", dict(zip(names, row, strict=True)))
    return "set aside"
