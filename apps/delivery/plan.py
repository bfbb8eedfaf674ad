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
DELIVERED = "delivered"
GONE = "the mailbox was removed after the message was accepted"


@dataclass(frozen=True, slots=True)
class Homes:
    """INBOX of each local user that a batch delivers to."""

    inboxes: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """A message, its verdict, the copies to file, and the state that each recipient gets, with
    words. A recipient whose place several users took has several copies; one whose place a user
    took who has a copy already has none.
    """

    message: Claimed
    verdict: Verdict
    filings: tuple[tuple[ClaimedRecipient, Filing], ...]
    outcomes: tuple[tuple[ClaimedRecipient, str, str], ...]

    @property
    def id(self) -> UUID:
        return self.message.id

    @property
    def waiting(self) -> list[tuple[ClaimedRecipient, str]]:
        """Recipients for whom the message is still ours to deliver, and why."""
        return [
            (recipient, words)
            for recipient, state, words in self.outcomes
            if state != RecipientState.DELIVERED
        ]


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
    places = _places(message, found)
    filings = [
        (recipient, _filing(message, prepared, recipient, user_id, mailbox_id))
        for recipient, place in places
        if not isinstance(place, _Nowhere)
        for user_id, mailbox_id in place
    ]
    return Plan(message, verdict, tuple(filings), tuple(_outcome(*pair) for pair in places))


@dataclass(frozen=True, slots=True)
class _Nowhere:
    """No mailbox of ours, or not yet: the recipient's state, and why."""

    state: RecipientState
    words: str


_Place = list[tuple[int, int]] | _Nowhere  # (user, inbox) of each copy


def _places(message: Claimed, found: Homes) -> list[tuple[ClaimedRecipient, _Place]]:
    """Where each recipient's copies go; no user gets two."""
    inboxes = found.inboxes
    served = {one.user_id for one in message.recipients if one.user_id in inboxes}
    places: list[tuple[ClaimedRecipient, _Place]] = []
    for recipient in message.recipients:
        if recipient.user_id is not None and recipient.user_id in inboxes:
            places.append((recipient, [(recipient.user_id, inboxes[recipient.user_id])]))
            continue
        place = _look_up(recipient)
        if not isinstance(place, _Nowhere):
            place = [(user, inbox) for user, inbox in place if user not in served]
            served.update(user for user, _ in place)
        places.append((recipient, place))
    return places


def _look_up(recipient: ClaimedRecipient) -> _Place:
    """Route an address anew: of a user who was removed since, whose place others may have taken; or
    of another host, which may have moved here."""
    try:
        resolution = routing.resolve(Address.parse(recipient.address))
    except AddressError:
        return _Nowhere(RecipientState.HELD, GONE)
    if resolution.status is Status.REMOTE and recipient.user_id is None:
        return _Nowhere(RecipientState.WAITING, NO_ROUTE_YET)
    if resolution.status is not Status.LOCAL or resolution.remote:
        return _Nowhere(RecipientState.HELD, GONE)
    users = [user.user_id for user in resolution.users]
    inboxes = mailstore.inboxes(users)
    if len(inboxes) != len(users):
        return _Nowhere(RecipientState.HELD, GONE)
    return [(user, inboxes[user]) for user in users]


def _outcome(recipient: ClaimedRecipient, place: _Place) -> tuple[ClaimedRecipient, str, str]:
    if isinstance(place, _Nowhere):
        return recipient, place.state.value, place.words
    return recipient, RecipientState.DELIVERED.value, DELIVERED


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
