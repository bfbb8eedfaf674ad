"""Takes messages out of a mailbox for good: EXPUNGE, UID EXPUNGE, CLOSE, POP3's QUIT.

Rows move to `Expunged`, which answers QRESYNC and undelete for some days; the space is free at
once. Many are expunged in chunks of 1,000, each committed for itself.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from django.db import connection, transaction

from apps.mailstore.models import FLAG_DELETED, FLAG_SEEN, Fate
from apps.mailstore.origin import Origin
from apps.mailstore.services import filing, purge
from apps.mailstore.services.filing import CHUNK, Change, Growth, Use
from apps.mailstore.services.locks import lock
from apps.mailstore.span import Span
from apps.runtime.clock import now

_PICK: Final = "SELECT uid, size, flags FROM mailstore_entry WHERE {span} ORDER BY uid"
_KEEP: Final = """
INSERT INTO mailstore_expunged (mailbox_id, uid, modseq, at, user_id, message_id, head_id, flags,
  keywords, internaldate, internaldate_offset, size, thread_id, saved_at, cost, fate)
SELECT mailbox_id, uid, %s, %s, CAST(%s AS bigint), message_id, head_id, flags, keywords,
  internaldate, internaldate_offset, size, thread_id, saved_at, size - %s, CAST(%s AS smallint)
FROM mailstore_entry WHERE {span}"""
_DELETE: Final = "DELETE FROM mailstore_entry WHERE {span}"


class Leaving(NamedTuple):
    """Entries that are about to be expunged, under the lock of their mailbox: exactly those of
    `span`, which are not none."""

    span: Span
    size: int
    unseen: int


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
            leaving = pick(mailbox_id, wanted[first : first + CHUNK], only_deleted=marked)
            if leaving is not None:
                modseq = let_go(leaving, owner, origin)
                expunged += [(uid, modseq) for uid in leaving.span.uids]
    if expunged:
        purge.trim_on_commit(owner)
    return expunged


def pick(mailbox_id: int, uids: Sequence[int], *, only_deleted: bool) -> Leaving | None:
    """Find what is to go, within the caller's transaction and under its lock of the mailbox; None
    if nothing of it is there.

    Args:
        uids: rising, none twice.
    """
    span = Span(mailbox_id, uids)
    with connection.cursor() as cursor:
        cursor.execute(_PICK.format(span=span.sql), span.parameters)
        rows = span.wanted(cursor.fetchall())
    if only_deleted:
        rows = [row for row in rows if row[2] & FLAG_DELETED]
    if not rows:
        return None
    unseen = sum(not flags & FLAG_SEEN for _, _, flags in rows)
    exact = span.part([row[0] for row in rows])
    return Leaving(exact, sum(row[1] for row in rows), unseen)


def let_go(
    leaving: Leaving, owner: int, origin: Origin, fate: Fate = Fate.EXPUNGED, *, shared: int = 0
) -> int:
    """Move what was picked to `Expunged`, count, write the journal; returns the modseq of it.

    Rows go from table to table inside the database, none of them through here.

    Args:
        shared: octets of a single message that are kept for another one in any case, and so are no
            space that its leaving holds.
    """
    span, count = leaving.span, len(leaving.span.uids)
    growth = Growth(0, -count, -leaving.unseen, -leaving.size)
    modseq = filing.grow({span.mailbox_id: growth})[span.mailbox_id].modseq
    filing.use([Use(owner, -leaving.size, -count, expunged=leaving.size - shared)])
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP.format(span=span.sql),
            [modseq, now(), origin.user_id, shared, fate.value, *span.parameters],
        )
        cursor.execute(_DELETE.format(span=span.sql), span.parameters)
    filing.record([Change(span.mailbox_id, "expunge", span.uids, modseq, origin)])
    return modseq


def _deleted(mailbox_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT uid FROM mailstore_entry"
            f" WHERE mailbox_id = %s AND flags & {FLAG_DELETED} <> 0 ORDER BY uid",
            [mailbox_id],
        )
        return [row[0] for row in cursor.fetchall()]
