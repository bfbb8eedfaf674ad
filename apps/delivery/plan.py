"""What is to happen to a claimed message:

scan it, derive it, decide where each recipient's copy goes. No transaction, no writes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.directory import routing
from apps.directory.routing import Status
from apps.mailqueue.models import RecipientState
from apps.mailqueue.services import Claimed, ClaimedRecipient
from apps.mailstore import queries as mailstore
from apps.mailstore.origin import Origin
from apps.mailstore.services.deliver import Filing
from apps.mailstore.services.prepare import PreparedMessage, prepare
from apps.mime.address import Address, AddressError
from apps.scan import services as scan
from apps.scan.base import Subject, Verdict

NO_ROUTE_YET = "no route yet: outbound delivery is not configured"
GONE = "the mailbox was removed after the message was accepted"


@dataclass(frozen=True, slots=True)
class Homes:
    """INBOX of each local user that a batch delivers to."""

    inboxes: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """A message, its verdict, the copies to file, and recipients that get another state, with
    words.
    """

    message: Claimed
    verdict: Verdict
    filings: tuple[tuple[ClaimedRecipient, Filing], ...]
    others: tuple[tuple[ClaimedRecipient, str, str], ...]

    @property
    def id(self) -> UUID:
        return self.message.id


def homes(claimed: Sequence[Claimed]) -> Homes:
    """The inboxes of all local recipients of a batch; one query."""
    users = {
        recipient.user_id
        for message in claimed
        for recipient in message.recipients
        if recipient.user_id is not None
    }
    return Homes(mailstore.inboxes(sorted(users)))


def make(message: Claimed, raw: bytes, found: Homes) -> Plan:
    """Scan, derive and route one message."""
    verdict = scan.run(
        Subject(
            raw=raw,
            sender=message.sender,
            recipients=tuple(recipient.address for recipient in message.recipients),
            door=message.door,
        )
    )
    prepared = prepare(
        raw,
        prefix=message.prefix,
        cuts=message.cuts,
        blob_id=message.blob_id,
        trace_id=message.trace_id,
    )
    filings, others = [], []
    for recipient in message.recipients:
        user_id, mailbox_id = _home(recipient, found)
        if user_id is not None and mailbox_id is not None:
            filings.append((recipient, _filing(message, prepared, recipient, user_id, mailbox_id)))
        elif recipient.user_id is not None:
            others.append((recipient, RecipientState.HELD.value, GONE))
        else:
            others.append((recipient, RecipientState.WAITING.value, NO_ROUTE_YET))
    return Plan(message, verdict, tuple(filings), tuple(others))


def _home(recipient: ClaimedRecipient, found: Homes) -> tuple[int | None, int | None]:
    """(user, inbox) of a local recipient.

    One that was removed since is looked up anew: an alias may have taken its place.
    """
    if recipient.user_id is None:
        return None, None
    if (mailbox_id := found.inboxes.get(recipient.user_id)) is not None:
        return recipient.user_id, mailbox_id
    try:
        resolution = routing.resolve(Address.parse(recipient.original))
    except AddressError:
        return None, None
    if resolution.status is not Status.LOCAL or not resolution.users:
        return None, None
    user_id = resolution.users[0].user_id
    return user_id, mailstore.inboxes([user_id]).get(user_id)


def _filing(
    message: Claimed,
    prepared: PreparedMessage,
    recipient: ClaimedRecipient,
    user_id: int,
    mailbox_id: int,
) -> Filing:
    head = f"Return-Path: <{message.sender}>\r\nDelivered-To: {recipient.address}\r\n"
    return Filing(
        message=prepared,
        user_id=user_id,
        mailbox_id=mailbox_id,
        head=head.encode(),
        internaldate=message.received_at_us // 1_000_000,
        internaldate_offset=0,
        reserved=recipient.reserved if user_id == recipient.user_id else 0,
        origin=Origin(door=message.door, user_id=None),
    )
