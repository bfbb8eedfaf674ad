"""Copies and moves messages between mailboxes; both are atomic (RFC 3501 section 6.4.7, RFC 6851).

A copy names the same message and the same delivery head: no byte is copied. Flags, keywords and the
internal date go along (RFC 3501 section 6.4.7).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection, transaction

from apps.mailstore.models import FLAG_SEEN
from apps.mailstore.origin import Origin
from apps.mailstore.queries import keyword_names
from apps.mailstore.services import expunge, filing, keywords, quota
from apps.mailstore.services.expunge import Gone
from apps.mailstore.services.filing import Change, Entering, Growth
from apps.mailstore.services.locks import lock
from apps.runtime.clock import now
from apps.runtime.rows import among, listed


class Copied(NamedTuple):
    """What COPYUID tells (RFC 4315 section 3): `uids` are pairs of old and new."""

    uidvalidity: int
    uids: list[tuple[int, int]]


def copy(*, mailbox_id: int, uids: Sequence[int], target_id: int, origin: Origin) -> Copied:
    """Copy messages in one transaction; UIDs that are not there are ignored.

    Raises:
        NotFound: one of the mailboxes is not there.
        QuotaExceeded: the target's owner is full, or would be before the last message.
    """
    with transaction.atomic():
        owner = filing.home(target_id).user_id
        lock(users=[owner], mailboxes=[mailbox_id, target_id])
        filing.home(mailbox_id)
        found = _read(mailbox_id, uids)
        quota.require(owner, [row.size for row in found])
        return _arrive(mailbox_id, target_id, owner, found, origin, "copy")


def move(*, mailbox_id: int, uids: Sequence[int], target_id: int, origin: Origin) -> Copied:
    """Move messages in one transaction, as `copy` and then expunge would.

    Within one owner's mailboxes this works for a full one too: nothing is added.

    Raises: as `copy`.
    """
    with transaction.atomic():
        homes = filing.homes([mailbox_id, target_id])
        leaving, arriving = filing.home(mailbox_id), filing.home(target_id)
        lock(users={home.user_id for home in homes.values()}, mailboxes=homes)
        filing.home(mailbox_id)
        gone = expunge.take(mailbox_id, uids, only_deleted=False)
        if leaving.user_id != arriving.user_id:
            quota.require(arriving.user_id, [row.size for row in gone])
        expunge.let_go(mailbox_id, leaving.user_id, gone, origin, "move")
        return _arrive(mailbox_id, target_id, arriving.user_id, gone, origin, "move")


def _read(mailbox_id: int, uids: Sequence[int]) -> list[Gone]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT uid, message_id, head_id, flags, keywords, internaldate,"
            " internaldate_offset, size FROM mailstore_entry"
            f" WHERE mailbox_id = %s AND {among('uid')} ORDER BY uid",
            [mailbox_id, listed(sorted(set(uids)))],
        )
        return [Gone(*row) for row in cursor.fetchall()]


def _arrive(
    source_id: int, target_id: int, owner: int, rows: Sequence[Gone], origin: Origin, what: str
) -> Copied:
    home = filing.home(target_id)
    if not rows:
        return Copied(home.uidvalidity, [])
    masks = _translated(source_id, target_id, {row.keywords for row in rows})
    size = sum(row.size for row in rows)
    unseen = sum(not row.flags & FLAG_SEEN for row in rows)
    growth = Growth(len(rows), len(rows), unseen, size)
    first, modseq = filing.grow({target_id: growth})[target_id]
    at = now()
    filing.insert_entries(
        [
            (
                target_id,
                uid,
                modseq,
                Entering(
                    row.message_id,
                    row.head_id,
                    row.flags,
                    masks[row.keywords],
                    row.internaldate,
                    row.internaldate_offset,
                    at,
                    row.size,
                ),
            )
            for uid, row in enumerate(rows, first)
        ]
    )
    filing.use([(owner, size, len(rows), 0)])
    pairs = [(row.uid, uid) for uid, row in enumerate(rows, first)]
    told = {"mailbox": source_id, "first": rows[0].uid}
    new = [uid for _, uid in pairs]
    filing.record([Change(target_id, what, new, modseq, origin, before=told)])
    return Copied(home.uidvalidity, pairs)


def _translated(source_id: int, target_id: int, masks: Iterable[int]) -> dict[int, int]:
    """Keyword bits of the source, each mask in the bits of the target."""
    if source_id == target_id or not any(masks):
        return {mask: mask for mask in masks}
    names = keyword_names(source_id)
    words = {
        mask: [name for bit, name in enumerate(names) if mask >> bit & 1 and name] for mask in masks
    }
    wanted = sorted({word for some in words.values() for word in some})
    known = keywords.masks({target_id: wanted})[target_id]
    return {mask: keywords.mask_of(some, known) for mask, some in words.items()}
