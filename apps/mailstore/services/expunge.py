"""Takes messages out of a mailbox for good: EXPUNGE, UID EXPUNGE, CLOSE, POP3's QUIT.

Rows move to `Expunged`, which answers QRESYNC and undelete for some days; the space is free at
once. Many are expunged in chunks of 1,000, each committed for itself.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection, transaction

from apps.mailstore.models import FLAG_DELETED, FLAG_SEEN, Fate
from apps.mailstore.origin import Origin
from apps.mailstore.services import filing, purge
from apps.mailstore.services.filing import CHUNK, Change, Growth, Use
from apps.mailstore.services.locks import lock
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows, among, listed

_INSERT_EXPUNGED = ManyRows(
    "INSERT INTO mailstore_expunged (mailbox_id, uid, modseq, at, user_id, message_id, head_id,"
    " flags, keywords, internaldate, internaldate_offset, size, thread_id, saved_at, cost, fate)",
    "bigint bigint bigint bigint bigint bigint bigint smallint bigint bigint smallint bigint"
    " bigint bigint bigint smallint",
)
_RETURNING = (
    " RETURNING uid, message_id, head_id, flags, keywords, internaldate, internaldate_offset, size,"
    " thread_id, saved_at"
)


class Gone(NamedTuple):
    """A row that was taken out of `Entry`."""

    uid: int
    message_id: int
    head_id: int | None
    flags: int
    keywords: int
    internaldate: int
    internaldate_offset: int
    size: int
    thread_id: int | None
    saved_at: int | None


def expunge(
    *, mailbox_id: int, origin: Origin, uids: Sequence[int] | None = None, marked: bool = True
) -> list[tuple[int, int]]:
    """Expunge the messages that are marked \\Deleted, in transactions of its own.

    Args:
        uids: only these (UID EXPUNGE, RFC 4315 section 2.1); None for all.
        marked: False expunges `uids` whether they are marked or not: a POP3 session's marks are its
            own, and what its QUIT could not delete has to stay as it was.

    Returns:
        (uid, modseq of the expunge), in the order of UIDs.

    Raises:
        NotFound: the mailbox is not there.
    """
    owner = filing.home(mailbox_id).user_id
    wanted = _deleted(mailbox_id) if uids is None else sorted(set(uids))
    expunged: list[tuple[int, int]] = []
    for first in range(0, len(wanted), CHUNK):
        with transaction.atomic():
            lock(users=[owner], mailboxes=[mailbox_id])
            filing.home(mailbox_id)
            # Asked again under the lock: somebody may have taken \\Deleted off since.
            gone = take(mailbox_id, wanted[first : first + CHUNK], only_deleted=marked)
            expunged += let_go(mailbox_id, owner, gone, origin)
    if expunged:
        purge.trim_on_commit(owner)
    return expunged


def take(mailbox_id: int, uids: Sequence[int], *, only_deleted: bool) -> list[Gone]:
    """Delete entries, within the caller's transaction and under its lock of the mailbox; in the
    order of UIDs."""
    condition = f" AND flags & {FLAG_DELETED} <> 0" if only_deleted else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM mailstore_entry WHERE mailbox_id = %s AND {among('uid')}"
            f"{condition}{_RETURNING}",
            [mailbox_id, listed(uids)],
        )
        return sorted(Gone(*row) for row in cursor.fetchall())


def let_go(
    mailbox_id: int,
    owner: int,
    gone: Sequence[Gone],
    origin: Origin,
    fate: Fate = Fate.EXPUNGED,
) -> list[tuple[int, int]]:
    """Keep what was taken in `Expunged`, count, write the journal; returns (uid, modseq)."""
    if not gone:
        return []
    size = sum(row.size for row in gone)
    unseen = sum(not row.flags & FLAG_SEEN for row in gone)
    growth = Growth(0, -len(gone), -unseen, -size)
    modseq = filing.grow({mailbox_id: growth})[mailbox_id].modseq
    filing.use([Use(owner, -size, -len(gone), expunged=size)])
    at = now()
    rows: list[tuple[Any, ...]] = [
        (mailbox_id, row.uid, modseq, at, origin.user_id, *row[1:], row.size, fate.value)
        for row in gone
    ]
    _INSERT_EXPUNGED.write(rows)
    filing.record([Change(mailbox_id, "expunge", [row.uid for row in gone], modseq, origin)])
    return [(row.uid, modseq) for row in gone]


def _deleted(mailbox_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT uid FROM mailstore_entry"
            f" WHERE mailbox_id = %s AND flags & {FLAG_DELETED} <> 0 ORDER BY uid",
            [mailbox_id],
        )
        return [row[0] for row in cursor.fetchall()]
