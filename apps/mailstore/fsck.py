"""Checks mail at rest: every blob, who is hurt by a damaged one, and every counter against a
recount. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection

from apps.blobs import fsck as blobs

NAMED_AT_MOST: Final = 20  # messages of one blob that are listed by name

_WHO = """
SELECT o.address, b.name, e.uid FROM mailstore_message AS m
JOIN mailstore_entry AS e ON e.message_id = m.id
JOIN mailstore_mailbox AS b ON b.id = e.mailbox_id
JOIN directory_user AS o ON o.id = b.user_id
WHERE m.blob_id = %s AND b.deleted_at IS NULL
ORDER BY o.address, b.name, e.uid LIMIT %s"""
_MAILBOXES = """
SELECT b.id, o.address, b.name, s.messages, s.unseen, s.size, s.uidnext, s.highestmodseq,
  COUNT(e.uid), COALESCE(SUM(1 - (e.flags & 1)), 0), COALESCE(SUM(e.size), 0),
  COALESCE(MAX(e.uid), 0), COALESCE(MAX(e.modseq), 0)
FROM mailstore_mailbox AS b
JOIN directory_user AS o ON o.id = b.user_id
JOIN mailstore_mailboxstate AS s ON s.mailbox_id = b.id
LEFT JOIN mailstore_entry AS e ON e.mailbox_id = b.id
WHERE b.deleted_at IS NULL
GROUP BY b.id, o.address, b.name, s.messages, s.unseen, s.size, s.uidnext, s.highestmodseq"""
_USERS = """
SELECT o.address, u.reserved, u.size, u.messages, u.expunged,
  COALESCE(SUM(s.size), 0), COALESCE(SUM(s.messages), 0),
  (SELECT COALESCE(SUM(x.cost), 0) FROM mailstore_mailbox AS b
    JOIN mailstore_expunged AS x ON x.mailbox_id = b.id WHERE b.user_id = u.user_id) +
  (SELECT COALESCE(SUM(e.size), 0) FROM mailstore_mailbox AS b
    JOIN mailstore_entry AS e ON e.mailbox_id = b.id
    WHERE b.user_id = u.user_id AND b.deleted_at IS NOT NULL)
FROM mailstore_usage AS u
JOIN directory_user AS o ON o.id = u.user_id
LEFT JOIN mailstore_mailbox AS b ON b.user_id = u.user_id AND b.deleted_at IS NULL
LEFT JOIN mailstore_mailboxstate AS s ON s.mailbox_id = b.id
GROUP BY o.address, u.user_id, u.reserved, u.size, u.messages, u.expunged"""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Args:
        kind: those of `apps.blobs.fsck`, and `counters` (of a mailbox or a user).
        where: the blob's id, or the mailbox's or user's name.
        messages: `address mailbox uid` of each message that cannot be read because of it.
    """

    kind: str
    where: str
    detail: str
    messages: tuple[str, ...] = ()
    is_harmless: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "where": self.where,
            "detail": self.detail,
            "messages": list(self.messages),
            "harmless": self.is_harmless,
        }


def check() -> Iterator[Finding]:
    """All findings. Raises StorageUnavailable if the object store does not answer."""
    for found in blobs.check():
        hurt = _messages_of(found.blob_id) if found.blob_id and not found.is_harmless else ()
        where = str(found.blob_id or "object store")
        yield Finding(found.kind, where, found.detail, hurt, found.is_harmless)
    yield from _mailboxes()
    yield from _users()


def _messages_of(blob_id: UUID) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_WHO, [blob_id.hex, NAMED_AT_MOST])
        return tuple(f"{address} {name} {uid}" for address, name, uid in cursor.fetchall())


def _mailboxes() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_MAILBOXES)
        rows = cursor.fetchall()
    for _, address, name, *numbers in rows:
        kept, (uidnext, modseq), counted = numbers[:3], numbers[3:5], [int(n) for n in numbers[5:]]
        where = f"{address} {name}"
        if kept != counted[:3]:
            detail = f"messages, unseen, bytes are {counted[:3]}, but {kept} is kept"
            yield Finding("counters", where, detail)
        if counted[3] >= uidnext or counted[4] > modseq:
            yield Finding("counters", where, "a UID or modseq is above the mailbox's own")


def _users() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_USERS)
        rows = cursor.fetchall()
    for address, reserved, *numbers in rows:
        kept, counted = numbers[:3], [int(number) for number in numbers[3:]]
        if kept != counted:
            detail = f"bytes, messages, expunged bytes are {counted}, but {kept} is kept"
            yield Finding("counters", address, detail)
        if reserved < 0:
            yield Finding("counters", address, f"{reserved} bytes are reserved")
