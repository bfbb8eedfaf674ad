"""Forgets what left the mailboxes long ago: expunged messages, deleted mailboxes, and then the
messages that nothing shows any more. Their blobs are collected later (`blobs.services.collect`).

What can be brought back of a user's mail is also bounded by bytes: at most once more the quota.
Beyond that the oldest goes before its days are over (`trim`), its blobs at once, as soon as it is
an hour old. So nobody fills the disk by appending and expunging: quota for what is there, quota for
what was there, and who expunges more than that within an hour waits (`quota.require`).

Works in small transactions. Purging an expunge raises the mailbox's `expunged_floor`: a client that
resynchronises from below it is told that every UID it knows and that is not there is gone (RFC 7162
section 3.2.5.1).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.blobs import services as blobs
from apps.mailstore.models import Keyword, Mailbox, MailboxState
from apps.mailstore.services import filing, unindexed
from apps.mailstore.services.filing import Use
from apps.mailstore.services.locks import lock
from apps.runtime.clock import now
from apps.runtime.rows import Values, among, listed
from apps.wire.errors import QuotaExceeded

T = TypeVar("T")

TRIM_AGE: Final = 3_600
"""Seconds that everything expunged is kept, whatever it weighs: longer than any transaction that
still names its blob, and than clients need to hear of it."""
ROWS: Final = 1_000  # of one transaction
_DAY: Final = 86_400

_PAIRS = Values("d", "message bigint, head bigint")
_OLD = "SELECT mailbox_id, uid FROM mailstore_expunged WHERE at < %s ORDER BY at LIMIT %s"
_OVER: Final = """
SELECT u.user_id, u.expunged - o.quota FROM mailstore_usage AS u
JOIN directory_user AS o ON o.id = u.user_id WHERE o.quota > 0 AND u.expunged > o.quota"""
# The oldest expunge of each mailbox: modseqs of a mailbox rise with the time.
_OLDEST: Final = """
SELECT b.id, b.deleted_at, (SELECT x.at FROM mailstore_expunged AS x
  WHERE x.mailbox_id = b.id ORDER BY x.modseq LIMIT 1)
FROM mailstore_mailbox AS b WHERE b.user_id = %s"""
_OLD_OF_MAILBOX: Final = """
SELECT uid, cost FROM mailstore_expunged WHERE mailbox_id = %s AND at < %s
ORDER BY modseq, uid LIMIT %s"""

# Should the mailbox be brought back: nothing else tells of what has gone of it.
_SHRINK: Final = """
UPDATE mailstore_mailboxstate SET expunged_floor = highestmodseq,
  messages = messages - %s, size = size - %s WHERE mailbox_id = %s"""

# What an account was charged for a row: of a deleted mailbox all that it held.
_COSTS: Final = {"mailstore_entry": "size", "mailstore_expunged": "cost"}

_LOCK: Final = "SELECT 1 FROM mailstore_message WHERE "
_UNNAMED_MESSAGES: Final = """
DELETE FROM mailstore_message WHERE NOT EXISTS (
  SELECT 1 FROM mailstore_entry AS e WHERE e.message_id = mailstore_message.id)
AND NOT EXISTS (
  SELECT 1 FROM mailstore_expunged AS x WHERE x.message_id = mailstore_message.id)
AND """

_UNNAMED_SIZES: Final = """
DELETE FROM mailstore_linesize WHERE NOT EXISTS (
  SELECT 1 FROM mailstore_message AS m WHERE m.id = mailstore_linesize.message_id)
AND """


class _Gone(NamedTuple):
    """A row that was deleted from `Entry` or `Expunged`; `cost` in bytes."""

    message_id: int
    head_id: int | None
    modseq: int
    cost: int


class _Purged(NamedTuple):
    """What one transaction did: rows that went, blobs whose messages went with them."""

    rows: int
    blobs: list[UUID]


def purge(keep_days: int | None = None) -> int:
    """Forget expunged messages and deleted mailboxes older than that, and what is too much; returns
    how many messages went.

    Args:
        keep_days: None for UNDELETE_DAYS.
    """
    before = now() - (settings.UNDELETE_DAYS if keep_days is None else keep_days) * _DAY
    total = 0
    while expunged := _purge_expunged(before):
        total += expunged
    dead = Mailbox.objects.filter(deleted_at__lt=before).order_by("pk")
    for mailbox_id, user_id in list(dead.values_list("pk", "user_id")):
        while gone := _purge_mailbox(mailbox_id, user_id).rows:
            total += gone
    with connection.cursor() as cursor:
        cursor.execute(_OVER)
        over = [row[0] for row in cursor.fetchall()]
    return total + sum(trim(user_id) for user_id in over)


def trim(user_id: int) -> int:
    """Forget the oldest of what a user has expunged, while it is more than the quota and older than
    `TRIM_AGE`; returns how many messages went. One query if there is nothing to do."""
    total = 0
    while (excess := _excess(user_id)) > 0:
        done = _trim_oldest(user_id, excess)
        if not done.rows:
            break
        blobs.release(done.blobs)
        total += done.rows
    return total


def after_trim(user_id: int, job: Callable[[], T]) -> T:
    """Do what needs room in a user's account; if there is too little, because of what was expunged,
    make some and do it again."""
    try:
        return job()
    except QuotaExceeded:
        if not trim(user_id):
            raise
        return job()


def trim_on_commit(user_id: int) -> None:
    """`trim` after the running transaction, or at once outside of one: objects of blobs are removed
    only when no rollback can bring their rows back. Whoever expunges pays for it."""
    transaction.on_commit(partial(trim, user_id), robust=True)


def _excess(user_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_OVER + " AND u.user_id = %s", [user_id])
        row = cursor.fetchone()
    return int(row[1]) if row else 0


def _trim_oldest(user_id: int, excess: int) -> _Purged:
    """One step, in the mailbox with the oldest that can be forgotten."""
    before = now() - TRIM_AGE
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST, [user_id])
        found = cursor.fetchall()
    ages = [(at, mailbox_id, False) for mailbox_id, _, at in found if at is not None]
    ages += [(dead, mailbox_id, True) for mailbox_id, dead, _ in found if dead is not None]
    at, mailbox_id, is_dead = min(ages, default=(before, 0, False))
    if at >= before:
        return _Purged(0, [])
    if is_dead:
        done = _purge_mailbox(mailbox_id, user_id, excess)
        return done if done.rows else _Purged(1, [])  # the mailbox itself went: look further
    with connection.cursor() as cursor:
        cursor.execute(_OLD_OF_MAILBOX, [mailbox_id, before, ROWS])
        uids = _enough(cursor.fetchall(), excess)
    return _purge_uids(mailbox_id, user_id, uids)


def _enough(rows: Sequence[tuple[int, int]], excess: int | None) -> list[int]:
    """The first UIDs of (uid, bytes) that weigh so much together; all for None."""
    uids: list[int] = []
    for uid, cost in rows:
        if excess is not None:
            if excess <= 0:
                break
            excess -= cost
        uids.append(uid)
    return uids


def _purge_expunged(before: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_OLD, [before, ROWS])
        old = cursor.fetchall()
    boxes: dict[int, list[int]] = {}
    for mailbox_id, uid in old:
        boxes.setdefault(mailbox_id, []).append(uid)
    owners = dict(Mailbox.objects.filter(pk__in=boxes).values_list("pk", "user_id"))
    for mailbox_id, uids in boxes.items():
        _purge_uids(mailbox_id, owners.get(mailbox_id), uids)
    return len(old)


def _purge_uids(mailbox_id: int, user_id: int | None, uids: Sequence[int]) -> _Purged:
    with transaction.atomic():
        lock(users=[] if user_id is None else [user_id], mailboxes=[mailbox_id])
        gone = _delete("mailstore_expunged", mailbox_id, uids)
        _raise_floor(mailbox_id, max((row.modseq for row in gone), default=0))
        return _forget(user_id, gone)


def _purge_mailbox(mailbox_id: int, user_id: int, excess: int | None = None) -> _Purged:
    """One step of emptying a deleted mailbox, of about `excess` bytes if given; no rows when it is
    gone, or was brought back."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock(users=[user_id], mailboxes=[mailbox_id])
        if not Mailbox.objects.filter(pk=mailbox_id, deleted_at__isnull=False).exists():
            return _Purged(0, [])
        for table, cost in _COSTS.items():
            cursor.execute(
                f"SELECT uid, {cost} FROM {table} WHERE mailbox_id = %s ORDER BY uid LIMIT %s",
                [mailbox_id, ROWS],
            )
            if uids := _enough(cursor.fetchall(), excess):
                gone = _delete(table, mailbox_id, uids)
                shown = [row.cost for row in gone if table == "mailstore_entry"]
                cursor.execute(_SHRINK, [len(shown), sum(shown), mailbox_id])
                return _forget(user_id, gone)
        Keyword.objects.filter(mailbox_id=mailbox_id).delete()
        MailboxState.objects.filter(mailbox_id=mailbox_id).delete()
        Mailbox.objects.filter(pk=mailbox_id).delete()
    return _Purged(0, [])


def _delete(table: str, mailbox_id: int, uids: Sequence[int]) -> list[_Gone]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table} WHERE mailbox_id = %s AND {among('uid')}"
            f" RETURNING message_id, head_id, modseq, {_COSTS[table]}",
            [mailbox_id, listed(uids)],
        )
        return [_Gone(*row) for row in cursor.fetchall()]


def _raise_floor(mailbox_id: int, modseq: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mailstore_mailboxstate SET expunged_floor = %s"
            " WHERE mailbox_id = %s AND expunged_floor < %s",
            [modseq, mailbox_id, modseq],
        )


def _forget(user_id: int | None, gone: Sequence[_Gone]) -> _Purged:
    """Remove messages and delivery heads that no entry and no expunge names any more.

    A copy that is being made holds its source's entry in the same transaction, so a message without
    entries cannot come back.
    """
    messages = sorted({row.message_id for row in gone})
    if user_id is not None:
        filing.use([Use(user_id, expunged=-sum(row.cost for row in gone))])
        unindexed.left(user_id, messages)
    unnamed: list[UUID] = []
    with connection.cursor() as cursor:
        if messages and connection.vendor == "postgresql":
            # Two purges of the last two rows that name a message would each still see the other's
            # row, and the message would stay for ever. The second one waits here, and sees.
            cursor.execute(f"{_LOCK}{among('id')} ORDER BY id FOR UPDATE", [listed(messages)])
        heads = sorted({(row.message_id, row.head_id) for row in gone if row.head_id is not None})
        if heads:
            # By message: heads have no index of their own, they are few per message.
            cursor.execute(
                f"""
DELETE FROM mailstore_deliveryhead WHERE id IN (
  SELECT d.head FROM {_PAIRS.sql} WHERE NOT EXISTS (
    SELECT 1 FROM mailstore_entry AS e WHERE e.message_id = d.message AND e.head_id = d.head)
  AND NOT EXISTS (
    SELECT 1 FROM mailstore_expunged AS x
    WHERE x.message_id = d.message AND x.head_id = d.head))""",
                _PAIRS.parameters(heads),
            )
        if messages:
            sql = f"{_UNNAMED_MESSAGES}{among('id')} RETURNING blob_id"
            cursor.execute(sql, [listed(messages)])
            unnamed = [blobs.as_uuid(row[0]) for row in cursor.fetchall()]
            cursor.execute(f"{_UNNAMED_SIZES}{among('message_id')}", [listed(messages)])
    return _Purged(len(gone), unnamed)
