"""The moment of responsibility: what a door acknowledges is made durable here, in one transaction.

Blob rows, quota, counts of what users send, queue rows and trace commit together or not at all. The
door answers 250 only after `accept` returned, and rings the bell then. Runs on the group-commit
thread (`apps.runtime.groupcommit`), so a batch holds messages of many connections: if it raises,
each message is tried again alone, and a bad one cannot fail its neighbours.
"""

from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.blobs import services as blobs
from apps.delivery import alerts
from apps.delivery.members import members
from apps.directory.limits import MeterReached
from apps.directory.services import limits
from apps.directory.services.limits import Sending, Tally
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import Submission
from apps.mailstore.services import quota
from apps.mailstore.services.locks import lock
from apps.mime.address import Address, AddressError
from apps.reception.services import correspondents
from apps.runtime.ulid import ulid_text
from apps.trace import services as trace
from apps.wire.errors import MailError, QuotaExceeded

JUDGED = "reception.judged"  # the kind of the event that tells what was found out about a sender


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is ours now."""

    id: UUID

    @property
    def text(self) -> str:
        """The id as the reply names it."""
        return ulid_text(self.id)


def accept(
    batch: Sequence[Submission], *, accounts: Collection[int] = (), owes: bool = False
) -> list[Accepted | MailError]:
    """Make a batch durable; one result for each, in order.

    Args:
        owes: leave it to whoever processes a message to record that it came, if that is to be now
            (`mailqueue.services.owing`).
        accounts: users whose mailboxes the caller's own transaction changes after this: their rows
            are locked with those of the recipients, in the one order (`mailstore.services.locks`).

    A message is refused with QuotaExceeded when the space of any local recipient is used up (RCPT
    asked before; this is the race that is left), with SendLimitReached or TooManyRecipients when
    the user who sends it may not send so much. LMTP passes one Submission per recipient, so its
    replies are exact.

    Raises:
        django.db.Error: nothing of the batch was kept.
    """
    try:
        return _accept(batch, frozenset(), accounts, owes)
    except IntegrityError:
        # A receive id that is here already: a retry after a commit whose outcome was unknown.
        return _accept(batch, mailqueue.known([item.id for item in batch]), accounts, owes)


def _accept(
    batch: Sequence[Submission], kept: Set[UUID], accounts: Collection[int], owes: bool
) -> list[Accepted | MailError]:
    with transaction.atomic():
        fresh = [item for item in batch if item.id not in kept]
        refused = _refused(fresh, accounts)
        wanted = [item for item in fresh if item.id not in refused]
        if wanted:
            # LMTP's submissions of one transaction share their blob.
            blobs.insert(list({item.blob.id: item.blob for item in wanted}.values()))
            _put(wanted, owes=owes)
            trace.remember([_sent(item, item.user_id) for item in wanted if item.user_id])
            correspondents.note([pair for item in wanted for pair in _written_to(item)])
    return [refused.get(item.id) or Accepted(item.id) for item in batch]


def _put(batch: Sequence[Submission], *, owes: bool) -> None:
    """Into the queue, and that they came into the trace."""
    events = [_received(item) for item in batch]
    if not owes:
        mailqueue.enqueue(batch)
        trace.record(events)
        return
    # What waits for its time is not owed until then.
    pairs = list(zip(batch, events, strict=True))
    owed = ["" if item.hold_until_us else trace.data_of(event) for item, event in pairs]
    mailqueue.enqueue(batch, owed)
    trace.record([event for item, event in pairs if item.hold_until_us])


def _refused(batch: Sequence[Submission], accounts: Collection[int]) -> dict[UUID, MailError]:
    """Count and reserve what a batch needs; why some of it cannot be taken."""
    tally = _count(batch)
    over = tally.refused if tally is not None else {}
    if accounts:
        lock(users={*accounts, *_limited(batch)})
    full = _reserve([item for item in batch if item.id not in over])
    if tally is not None and full:
        tally.give_back(sorted(full))
    refused: dict[UUID, MailError] = {**over, **{one: QuotaExceeded() for one in full}}
    if refused:
        # After a commit of unknown outcome it may be the message itself that fills the mailbox or
        # reaches the limit: refused now, the door would remove the object of a message that is
        # kept. Taken, it meets its own row, and the batch is done again without it.
        for one in mailqueue.known(sorted(refused)):
            del refused[one]
    for item in batch:
        error = refused.get(item.id)
        if isinstance(error, MeterReached) and item.user_id is not None:
            alerts.limit_reached(error, item.user_id, item.trace_id, item.client)
    return refused


def _count(batch: Sequence[Submission]) -> Tally | None:
    """Count what users send; None if there is nothing of that kind."""
    sent = [
        Sending(item.id, item.user_id, len({recipient.original for recipient in item.recipients}))
        for item in batch
        if item.user_id is not None
    ]
    return limits.count(sent) if sent else None


def _limited(batch: Sequence[Submission]) -> Iterator[int]:
    """Users for whom space is to be reserved."""
    for item in batch:
        for recipient in item.recipients:
            if recipient.user_id is not None and recipient.is_limited:
                yield recipient.user_id


def _reserve(batch: Sequence[Submission]) -> set[UUID]:
    """Reserve space for recipients with a quota; the ids of messages that found none."""
    owners = [
        (item, recipient.user_id)
        for item in batch
        for recipient in item.recipients
        if recipient.user_id is not None and recipient.is_limited
    ]
    if not owners:
        return set()
    granted = _granted([(user_id, item.size) for item, user_id in owners])
    full = {item.id for (item, _), fits in zip(owners, granted, strict=True) if not fits}
    if full:
        quota.release(
            [
                (user_id, item.size)
                for (item, user_id), fits in zip(owners, granted, strict=True)
                if fits and item.id in full
            ]
        )
    return full


def _granted(rows: Sequence[tuple[int, int]]) -> list[bool]:
    """Whether each (user, bytes) was reserved; row by row only for those who are full."""
    full = quota.reserve(rows)
    return [user not in full or not quota.reserve([(user, size)]) for user, size in rows]


def _received(item: Submission) -> trace.Event:
    """That a door has taken a message.

    Its data: `from`, `to` (as written), `size`, `queue_id`; `address`, `helo`, `tls`, `sni`,
    `connection`, `early_talker` and `account` of the client, `agent` of a browser; `away`, how many
    recipients of a user's mail are elsewhere; `subject` and `message_id` as people read them;
    `connected_at`, `dialogue` and `left_out` as `apps.smtp.proto.dialogue.Dialogue.told` gives
    them. A door's `refused` event has the same, and what `apps.smtp.declined.Declined.told` gives.
    What is not known is not there.
    """
    data = {**item.client, **item.traced}
    if item.message_id:
        data["message_id"] = item.message_id
    data["from"] = item.sender
    data["to"] = [recipient.original for recipient in item.recipients]
    data["size"] = item.size
    data["queue_id"] = ulid_text(item.id)
    data.update(members(item.recipients))
    if item.user_id is not None:
        data["away"] = sum(one.user_id is None for one in item.recipients)
    if item.hold_until_us:
        data["until"] = data["hold_until"] = item.hold_until_us
    also = ((JUDGED, item.judgement),) if item.judgement else ()
    return trace.Event(item.trace_id, f"{item.door}.received", data, item.received_at_us, "", also)


def _sent(item: Submission, user_id: int) -> trace.SentMessage:
    return trace.SentMessage(
        item.trace_id, user_id, item.message_id, item.dsn_envid, item.received_at_us
    )


def _written_to(item: Submission) -> Iterator[tuple[int, str, int]]:
    """Whom a user writes to elsewhere: what comes back from there is welcome."""
    if item.user_id is None:
        return
    at = item.received_at_us // 1_000_000
    for recipient in item.recipients:
        if recipient.user_id is not None:
            continue
        try:
            yield item.user_id, Address.parse(recipient.address).key, at
        except AddressError:
            continue
