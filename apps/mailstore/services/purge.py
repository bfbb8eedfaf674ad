"""Forgets what left the mailboxes long ago: expunged messages, deleted mailboxes, and then the
messages that nothing shows any more. Their blobs are collected later (`blobs.services.collect`).

Works in small transactions. Purging an expunge raises the mailbox's `expunged_floor`: a client that
resynchronises from below it is told that every UID it knows and that is not there is gone (RFC 7162
section 3.2.5.1).
"""

from collections.abc import Sequence
from typing import Final

from django.db import connection, transaction

from apps.mailstore.models import Keyword, Mailbox, MailboxState
from apps.mailstore.services.locks import lock
from apps.runtime.clock import now
from apps.runtime.rows import Values, among, listed

KEEP_DAYS: Final = 14
ROWS: Final = 1_000  # of one transaction
_DAY: Final = 86_400

_PAIRS = Values("d", "message bigint, head bigint")
_OLD = "SELECT mailbox_id, uid FROM mailstore_expunged WHERE at < %s ORDER BY at LIMIT %s"

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


def purge(keep_days: int = KEEP_DAYS) -> int:
    """Forget expunged messages and deleted mailboxes older than that; returns how many messages
    went."""
    before = now() - keep_days * _DAY
    total = 0
    while expunged := _purge_expunged(before):
        total += expunged
    dead = Mailbox.objects.filter(deleted_at__lt=before).order_by("pk")
    for mailbox_id in list(dead.values_list("pk", flat=True)):
        while gone := _purge_mailbox(mailbox_id):
            total += gone
    return total


def _purge_expunged(before: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_OLD, [before, ROWS])
        old = cursor.fetchall()
    boxes: dict[int, list[int]] = {}
    for mailbox_id, uid in old:
        boxes.setdefault(mailbox_id, []).append(uid)
    for mailbox_id, uids in boxes.items():
        with transaction.atomic():
            lock(mailboxes=[mailbox_id])
            gone = _delete("mailstore_expunged", mailbox_id, uids)
            _raise_floor(mailbox_id, max((row[2] for row in gone), default=0))
            _forget([(row[0], row[1]) for row in gone])
    return len(old)


def _purge_mailbox(mailbox_id: int) -> int:
    """One step of emptying a deleted mailbox; 0 when it is gone."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock(mailboxes=[mailbox_id])
        for table in ("mailstore_entry", "mailstore_expunged"):
            cursor.execute(
                f"SELECT uid FROM {table} WHERE mailbox_id = %s ORDER BY uid LIMIT %s",
                [mailbox_id, ROWS],
            )
            if uids := [row[0] for row in cursor.fetchall()]:
                gone = _delete(table, mailbox_id, uids)
                _forget([(row[0], row[1]) for row in gone])
                return len(gone)
        Keyword.objects.filter(mailbox_id=mailbox_id).delete()
        MailboxState.objects.filter(mailbox_id=mailbox_id).delete()
        Mailbox.objects.filter(pk=mailbox_id).delete()
    return 0


def _delete(table: str, mailbox_id: int, uids: Sequence[int]) -> list[tuple[int, int | None, int]]:
    """Delete rows; (message, head, modseq) of each."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table} WHERE mailbox_id = %s AND {among('uid')}"
            " RETURNING message_id, head_id, modseq",
            [mailbox_id, listed(uids)],
        )
        return list(cursor.fetchall())


def _raise_floor(mailbox_id: int, modseq: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mailstore_mailboxstate SET expunged_floor = %s"
            " WHERE mailbox_id = %s AND expunged_floor < %s",
            [modseq, mailbox_id, modseq],
        )


def _forget(pairs: Sequence[tuple[int, int | None]]) -> None:
    """Remove messages and delivery heads that no entry and no expunge names any more.

    A copy that is being made holds its source's entry in the same transaction, so a message without
    entries cannot come back.
    """
    messages = sorted({message for message, _ in pairs})
    with connection.cursor() as cursor:
        if messages and connection.vendor == "postgresql":
            # Two purges of the last two rows that name a message would each still see the other's
            # row, and the message would stay for ever. The second one waits here, and sees.
            cursor.execute(f"{_LOCK}{among('id')} ORDER BY id FOR UPDATE", [listed(messages)])
        heads = sorted({(message, head) for message, head in pairs if head is not None})
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
            cursor.execute(f"{_UNNAMED_MESSAGES}{among('id')}", [listed(messages)])
            cursor.execute(f"{_UNNAMED_SIZES}{among('message_id')}", [listed(messages)])
