"""What is to happen to a claimed message:

scan it, derive it, decide where each recipient's copy goes, sign what leaves. No transaction, no
writes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from apps.delivery import bounce, incoming, returned, sign
from apps.delivery.bounce import Report
from apps.delivery.reversepath import reverse_path
from apps.delivery.sign import Lookups
from apps.directory import routing, transports
from apps.directory.routing import Resolution, Status
from apps.mailqueue.models import RecipientState
from apps.mailqueue.services import Claimed, ClaimedRecipient
from apps.mailstore import queries as mailstore
from apps.mailstore.models import SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.services.deliver import Filing
from apps.mailstore.services.prepare import PreparedMessage, prepare
from apps.mime import headers
from apps.mime.address import Address, AddressError
from apps.reception import judging
from apps.reception.judging import Judgement
from apps.remote.types import NextHop
from apps.reports.services import Arrived
from apps.scan import runner as scan
from apps.scan.base import Case, Reader
from apps.scan.verdict import Verdict
from apps.trace import services as trace

DELIVERED = "delivered"
HEADER_BYTES = 64 * 1024  # of a message, in which its TLS-Required field is looked for
DEMO = "a demo sends nothing to other servers"
GONE = "the mailbox was removed after the message was accepted"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a batch is planned on, read for all of it at once.

    Args:
        inboxes: INBOX of each local user that it delivers to.
        junks: Junk of those who shall find some of it there.
        judgements: what their doors found out about the senders, by message.
        routes: where the addresses lead that were elsewhere when their messages were accepted.
        hops: for each (sender domain, recipient domain) of what leaves: where it goes.
        chains: the keys of the ARC chains in it.
    """

    inboxes: Mapping[int, int]
    junks: Mapping[int, int]
    judgements: Mapping[UUID, Judgement]
    routes: Mapping[str, Resolution]
    hops: Mapping[tuple[str, str], NextHop]
    lookups: Lookups


@dataclass(frozen=True, slots=True)
class Plan:
    """A message, its verdict, the copies to file, and the state that each recipient gets, with
    words. A recipient whose place several users took has several copies; one whose place a user
    took who has a copy already has none.

    Args:
        departures: (recipient, destination) of each copy that leaves us; `signatures` go before it.
        reports: what the sender is to be told; `events`: what the message itself reports.
        arrived: it may carry a report on one of our domains, to be read later.
    """

    message: Claimed
    judgement: Judgement | None
    verdict: Verdict
    filings: tuple[tuple[ClaimedRecipient, Filing], ...]
    outcomes: tuple[tuple[ClaimedRecipient, str, str], ...]
    departures: tuple[tuple[ClaimedRecipient, str], ...]
    signatures: bytes
    reports: tuple[Report, ...]
    events: tuple[trace.Event, ...]
    arrived: Arrived | None

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
        ] + [(recipient, f"to be sent to {name}") for recipient, name in self.departures]


def survey(claimed: Sequence[Claimed], raws: Mapping[UUID, bytes]) -> Ground:
    """Read what the plans of a batch need; a few queries, however many messages there are.

    Args:
        raws: bytes by blob id, as far as they can be read.
    """
    users: set[int] = set()
    outside: dict[str, Address] = {}
    pairs: set[tuple[str, str]] = set()
    for message in claimed:
        for recipient in message.recipients:
            if recipient.user_id is not None:
                users.add(recipient.user_id)
            elif (address := _parsed(recipient.address)) is not None:
                outside[recipient.address] = address
                pairs.add(_domains(message, recipient, address))
    resolutions = routing.resolve_many(list(outside.values())) if outside else []
    read = [(one, raws[one.blob_id]) for one in claimed if one.blob_id in raws]
    judgements = {one.id: found for one in claimed if (found := judging.read(one.judgement))}
    doubted = [one for one in claimed if one.id in judgements and judgements[one.id].junk]
    return Ground(
        inboxes=mailstore.inboxes(sorted(users)),
        junks=_junks([one.user_id for message in doubted for one in message.recipients]),
        judgements=judgements,
        routes=dict(zip(outside, resolutions, strict=True)),
        hops=transports.next_hops(pairs) if pairs else {},
        lookups=sign.look_up(read),
    )


def make(message: Claimed, raw: bytes, found: Ground) -> Plan:
    """Scan, derive, route and sign one message."""
    (verdict,) = scan.run([_case(message, raw)])
    places = _places(message, found)
    departures = _departures(message, raw, places)
    staying = [pair for pair in places if not isinstance(pair[1], _Elsewhere)]
    leaving = [recipient for recipient, _ in departures]
    delivered = [recipient for recipient, place in staying if not isinstance(place, _Nowhere)]
    fates = bounce.at_processing(message.recipients, delivered)
    judgement = found.judgements.get(message.id)
    filings = tuple(_filings(message, raw, _sorted(message, places, found)))
    readers = [filing.user_id for _, filing in filings]
    return Plan(
        message,
        judgement,
        verdict,
        filings,
        tuple(_outcome(*pair) for pair in staying),
        tuple(departures),
        sign.signatures(message, raw, leaving, found.lookups, found.judgements.get(message.id)),
        tuple(bounce.prepare(message, fates, raw)) if fates else (),
        tuple(returned.events(message, raw)),
        incoming.arrived(message, raw, readers, judgement),
    )


def _case(message: Claimed, raw: bytes) -> Case:
    readers = tuple(
        Reader(one.user_id, one.address, one.original, judging.parts(one.original)[1], 0)
        for one in message.recipients
        if one.user_id is not None
    )
    return Case(
        id=message.id,
        trace_id=message.trace_id,
        raw=raw,
        sender=message.sender,
        recipients=tuple(one.address for one in message.recipients),
        readers=readers,
        door=message.door,
        received_at_us=message.received_at_us,
        user_id=message.user_id,
    )


def _filings(
    message: Claimed, raw: bytes, places: Sequence[tuple[ClaimedRecipient, "_Place"]]
) -> list[tuple[ClaimedRecipient, Filing]]:
    """The copies for mailboxes; what only leaves us is not read for them."""
    copies = [
        (recipient, user_id, mailbox_id)
        for recipient, place in places
        if isinstance(place, list)
        for user_id, mailbox_id in place
    ]
    if not copies:
        return []
    prepared = prepare(
        raw,
        prefix=message.prefix,
        cuts=message.cuts,
        blob_id=message.blob_id,
        trace_id=message.trace_id,
    )
    return [(one[0], _filing(message, prepared, *one)) for one in copies]


def _junks(user_ids: Iterable[int | None]) -> dict[int, int]:
    wanted = sorted({one for one in user_ids if one is not None})
    return mailstore.boxes(wanted, SpecialUse.JUNK) if wanted else {}


def _sorted(
    message: Claimed, places: Sequence[tuple[ClaimedRecipient, "_Place"]], found: Ground
) -> list[tuple[ClaimedRecipient, "_Place"]]:
    """The places, with Junk for INBOX where the message was judged so; who has removed that
    mailbox gets it into INBOX."""
    judgement = found.judgements.get(message.id)
    if judgement is None or not judgement.junk:
        return list(places)
    junks = dict(found.junks)
    users = {user for _, place in places if isinstance(place, list) for user, _ in place}
    junks.update(_junks(users - junks.keys()))  # those who took a removed user's place
    return [
        (recipient, [(user, junks.get(user, inbox)) for user, inbox in place])
        if isinstance(place, list) and judgement.junk_for(recipient.original)
        else (recipient, place)
        for recipient, place in places
    ]


@dataclass(frozen=True, slots=True)
class _Nowhere:
    """No mailbox of ours, or not yet: the recipient's state, and why."""

    state: RecipientState
    words: str


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """Another server's: the next hop to it."""

    destination: str


_Place = list[tuple[int, int]] | _Nowhere | _Elsewhere  # (user, inbox) of each copy


def _places(message: Claimed, found: Ground) -> list[tuple[ClaimedRecipient, _Place]]:
    """Where each recipient's copies go; no user gets two."""
    inboxes = found.inboxes
    served = {one.user_id for one in message.recipients if one.user_id in inboxes}
    places: list[tuple[ClaimedRecipient, _Place]] = []
    for recipient in message.recipients:
        if recipient.user_id is not None and recipient.user_id in inboxes:
            places.append((recipient, [(recipient.user_id, inboxes[recipient.user_id])]))
            continue
        place = _look_up(message, recipient, found)
        if isinstance(place, list):
            place = [(user, inbox) for user, inbox in place if user not in served]
            served.update(user for user, _ in place)
        places.append((recipient, place))
    return places


def _departures(
    message: Claimed, raw: bytes, places: Sequence[tuple[ClaimedRecipient, _Place]]
) -> list[tuple[ClaimedRecipient, str]]:
    found = [
        (recipient, place.destination)
        for recipient, place in places
        if isinstance(place, _Elsewhere)
    ]
    if found and not message.requires_tls and _is_tls_optional(raw):
        return [(recipient, transports.tls_optional(name)) for recipient, name in found]
    return found


def _is_tls_optional(raw: bytes) -> bool:
    """Whether the sender wrote `TLS-Required: No` (RFC 8689 section 3)."""
    if b"tls-required" not in raw[:HEADER_BYTES].lower():
        return False
    return [one.strip().lower() for one in headers.scan(raw).all(b"tls-required")] == [b"no"]


def _look_up(message: Claimed, recipient: ClaimedRecipient, found: Ground) -> _Place:
    """Route an address anew: of a user who was removed since, whose place others may have taken; or
    of another host, which may have moved here."""
    address = _parsed(recipient.address)
    if address is None:
        return _Nowhere(RecipientState.HELD, GONE)
    resolution = found.routes.get(recipient.address) or routing.resolve(address)
    if resolution.is_elsewhere and recipient.user_id is None:
        if settings.DEMO:  # its people do not exist, and everybody knows their passwords
            return _Nowhere(RecipientState.HELD, DEMO)
        return _Elsewhere(found.hops[_domains(message, recipient, address)].key)
    if resolution.status is not Status.LOCAL or resolution.remote:
        return _Nowhere(RecipientState.HELD, GONE)
    users = [user.user_id for user in resolution.users]
    inboxes = mailstore.inboxes(users)
    if len(inboxes) != len(users):
        return _Nowhere(RecipientState.HELD, GONE)
    return [(user, inboxes[user]) for user in users]


def _parsed(text: str) -> Address | None:
    try:
        return Address.parse(text)
    except AddressError:
        return None


def _domains(message: Claimed, recipient: ClaimedRecipient, address: Address) -> tuple[str, str]:
    """The domains that choose a next hop: of the reverse path on the wire, and of the recipient."""
    sender = _parsed(reverse_path(message.sender, recipient))
    return ("" if sender is None else sender.domain), address.domain


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
