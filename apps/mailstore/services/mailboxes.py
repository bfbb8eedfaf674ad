"""Mailboxes: make, rename, delete, subscribe.

Names are Unicode in form C, with `/` between levels; the first level is compared without case if it spells INBOX. `uidvalidity`
comes from a counter that only rises, so a name that is deleted and made again never
gets an old one (RFC 3501 section 2.3.1.1).
"""

from collections.abc import Sequence
from typing import Final

from django.db import connection

from apps.mailstore.models import Mailbox, SpecialUse
from apps.mailstore.services import quota
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows, among, listed

INBOX: Final = "INBOX"
DEFAULTS: Final = (
    (INBOX, SpecialUse.INBOX),
    ("Drafts", SpecialUse.DRAFTS),
    ("Sent", SpecialUse.SENT),
    ("Archive", SpecialUse.ARCHIVE),
    ("Junk", SpecialUse.JUNK),
    ("Trash", SpecialUse.TRASH),
)

_TAKE_UIDVALIDITIES = """
INSERT INTO mailstore_counter (name, value) VALUES ('uidvalidity', %s)
ON CONFLICT (name) DO UPDATE SET value = mailstore_counter.value + excluded.value
RETURNING value"""
_NEW_STATE = ManyRows(
    "INSERT INTO mailstore_mailboxstate"
    " (mailbox_id, uidnext, highestmodseq, messages, unseen, size, recent_floor, expunged_floor)",
    "bigint bigint bigint bigint bigint bigint bigint bigint",
)


def create_defaults(user_id: int) -> None:
    """Give a new user an account of space and the mailboxes every client expects, within the caller's transaction."""
    quota.open_account(user_id)
    _create(user_id, DEFAULTS)


def lock(mailbox_ids: Sequence[int]) -> None:
    """Lock the mailboxes' counters in the order of their ids, after `quota.lock`. A no-op on SQLite."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT 1 FROM mailstore_mailboxstate WHERE {among('mailbox_id')}"
                " ORDER BY mailbox_id FOR NO KEY UPDATE",
                [listed(mailbox_ids)],
            )


def _create(user_id: int, wanted: Sequence[tuple[str, str]]) -> list[Mailbox]:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_UIDVALIDITIES, [len(wanted)])
        last = int(cursor.fetchone()[0])
    at = now()
    made = Mailbox.objects.bulk_create(
        Mailbox(
            user_id=user_id,
            name=name,
            special_use=use,
            uidvalidity=last - len(wanted) + number,
            created_at=at,
        )
        for number, (name, use) in enumerate(wanted, 1)
    )
    _NEW_STATE.write([(mailbox.pk, 1, 1, 0, 0, 0, 1, 0) for mailbox in made])
    return made
