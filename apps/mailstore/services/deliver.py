"""Files mail into mailboxes: the last step of local delivery.

`deliver` runs inside the transaction that also settles the queue's recipients, so a message is in
its mailboxes exactly once. Any number of messages for any number of mailboxes takes the same
statements, about a dozen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from apps.mailstore.models import FLAG_SEEN
from apps.mailstore.origin import Origin
from apps.mailstore.services import filing, keywords, threads, unindexed
from apps.mailstore.services.filing import Change, Entering, Growth, Home, Use
from apps.mailstore.services.locks import lock
from apps.mailstore.services.prepare import PreparedMessage
from apps.mailstore.services.threads import Arrival
from apps.runtime.clock import now
from apps.wire.errors import NotFound


@dataclass(frozen=True, slots=True)
class Filing:
    """One message for one mailbox. Several may share one `PreparedMessage`: one copy is kept.

    Args:
        user_id: whose mailbox it is.
        head: delivery head, shown before the message (Return-Path, Delivered-To), as CRLF lines.
        internaldate: Unix seconds; `internaldate_offset` is the zone it is shown in, minutes east
            of UTC.
        reserved: bytes that `quota.reserve` took for this message, given back here.
    """

    message: PreparedMessage
    user_id: int
    mailbox_id: int
    internaldate: int
    origin: Origin
    head: bytes = b""
    flags: int = 0
    keywords: tuple[str, ...] = ()
    internaldate_offset: int = 0
    reserved: int = 0


class Filed(NamedTuple):
    """Where a message is now."""

    uidvalidity: int
    uid: int
    modseq: int
    mailbox_id: int


@dataclass(slots=True)
class _Batch:
    """What is known of a mailbox while a batch is filed: its messages in the order they came."""

    home: Home
    numbers: list[int] = field(default_factory=list)
    unseen: int = 0
    size: int = 0


def deliver(filings: Sequence[Filing], *, what: str = "deliver") -> list[Filed]:
    """File messages, within the caller's transaction; mail that was accepted is filed even if its
    owner is full.

    Args:
        what: the word for the journal.

    Returns:
        One `Filed` for each filing, in order. UIDs rise in the order of the filings.

    Raises:
        NotFound: a mailbox is not there (deleted meanwhile), or not that user's. Nothing is filed.
    """
    if not filings:
        return []
    lock(users={one.user_id for one in filings}, mailboxes={one.mailbox_id for one in filings})
    batches = _batches(filings)
    entries = _entries(filings)
    filed = _place(filings, batches, entries)
    filing.use(
        Use(one.user_id, entry.size, 1, one.reserved)
        for one, entry in zip(filings, entries, strict=True)
    )
    unindexed.arrived(
        (one.user_id, entry.message_id) for one, entry in zip(filings, entries, strict=True)
    )
    filing.record(_changes(filings, batches, filed, what))
    return filed


def _batches(filings: Sequence[Filing]) -> dict[int, _Batch]:
    homes = filing.homes(one.mailbox_id for one in filings)
    batches: dict[int, _Batch] = {}
    for number, one in enumerate(filings):
        home = homes.get(one.mailbox_id)
        if home is None or home.user_id != one.user_id:
            raise NotFound(f"mailbox {one.mailbox_id} of user {one.user_id} is not there")
        batch = batches.get(one.mailbox_id)
        if batch is None:
            batch = batches[one.mailbox_id] = _Batch(home)
        batch.numbers.append(number)
        batch.unseen += not one.flags & FLAG_SEEN
        batch.size += len(one.head) + one.message.size
    return batches


def _entries(filings: Sequence[Filing]) -> list[Entering]:
    """Insert messages and heads; the entries that will name them."""
    distinct = {id(one.message): one.message for one in filings}
    ids = dict(zip(distinct, filing.insert_messages(list(distinct.values())), strict=True))
    heads = filing.insert_heads([one.head for one in filings])
    masks = _masks(filings)
    found = threads.assign(
        [Arrival(one.user_id, ids[id(one.message)], one.message.known) for one in filings]
    )
    at = now()
    return [
        Entering(
            ids[id(one.message)],
            head_id,
            one.flags,
            mask,
            one.internaldate,
            one.internaldate_offset,
            at,
            len(one.head) + one.message.size,
            thread_id,
        )
        for one, head_id, mask, thread_id in zip(filings, heads, masks, found, strict=True)
    ]


def _masks(filings: Sequence[Filing]) -> list[int]:
    wanted: dict[int, list[str]] = {}
    for one in filings:
        if one.keywords:
            wanted.setdefault(one.mailbox_id, []).extend(one.keywords)
    known = keywords.masks(wanted)
    return [keywords.mask_of(one.keywords, known.get(one.mailbox_id, {})) for one in filings]


def _place(
    filings: Sequence[Filing], batches: dict[int, _Batch], entries: Sequence[Entering]
) -> list[Filed]:
    places = filing.grow(
        {
            mailbox_id: Growth(len(batch.numbers), len(batch.numbers), batch.unseen, batch.size)
            for mailbox_id, batch in batches.items()
        }
    )
    filed: dict[int, Filed] = {}
    for mailbox_id, batch in batches.items():
        first, modseq = places[mailbox_id]
        for uid, number in enumerate(batch.numbers, first):
            filed[number] = Filed(batch.home.uidvalidity, uid, modseq, mailbox_id)
    result = [filed[number] for number in range(len(filings))]
    filing.insert_entries(
        [
            (one.mailbox_id, one.uid, one.modseq, entry)
            for one, entry in zip(result, entries, strict=True)
        ]
    )
    return result


def _changes(
    filings: Sequence[Filing], batches: dict[int, _Batch], filed: Sequence[Filed], what: str
) -> list[Change]:
    """One row of the journal for each mailbox and author."""
    changes = []
    for mailbox_id, batch in batches.items():
        authors: dict[Origin, list[int]] = {}
        for number in batch.numbers:
            authors.setdefault(filings[number].origin, []).append(filed[number].uid)
        modseq = filed[batch.numbers[0]].modseq
        changes += [
            Change(mailbox_id, what, uids, modseq, origin) for origin, uids in authors.items()
        ]
    return changes
