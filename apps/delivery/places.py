"""Where the copies of a claimed message go: to mailboxes here, to other servers, or nowhere yet.

Reads only, and for a whole batch at once: a few queries, however many messages there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from apps.delivery import sign
from apps.delivery.reversepath import reverse_path
from apps.delivery.sign import Lookups
from apps.directory import routing, transports
from apps.directory.homes import LocalUser
from apps.directory.routing import Resolution, Status
from apps.mailqueue.models import RecipientState
from apps.mailqueue.services import Claimed, ClaimedRecipient
from apps.mailstore import queries as mailstore
from apps.mime import headers
from apps.mime.address import Address, AddressError
from apps.reception import judging
from apps.reception.judging import Judgement
from apps.remote.types import NextHop

HEADER_BYTES = 64 * 1024  # of a message, in which its TLS-Required field is looked for
DEMO = "a demo sends nothing to other servers"
GONE = "the mailbox was removed after the message was accepted"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a batch is planned on, read for all of it at once.

    Args:
        inboxes: INBOX of each local user that it delivers to.
        judgements: what their doors found out about the senders, by message.
        routes: where the addresses lead that were elsewhere when their messages were accepted.
        hops: for each (sender domain, recipient domain) of what leaves: where it goes.
        lookups: the keys of the ARC chains in it.
        forwarders: who has mail from others sent on, by the address that it was written to, and
            where it goes.
    """

    inboxes: Mapping[int, int]
    judgements: Mapping[UUID, Judgement]
    routes: Mapping[str, Resolution]
    hops: Mapping[tuple[str, str], NextHop]
    lookups: Lookups
    forwarders: Mapping[tuple[str, str], LocalUser]


@dataclass(frozen=True, slots=True)
class Nowhere:
    """No mailbox of ours, or not yet: the recipient's state, and why."""

    state: RecipientState
    words: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another server's: the next hop to it."""

    destination: str


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """(user, INBOX) of each copy. A recipient whose place several users took has several; one whose
    place a user took who has a copy already has none."""

    copies: tuple[tuple[int, int], ...]


Place = Mailboxes | Nowhere | Elsewhere


@dataclass(frozen=True, slots=True)
class Seated:
    """A claimed message, its bytes, and the place of each recipient. No user gets two copies.

    Args:
        forwarders: the user who has a copy for another server sent on, by the recipient's id; there
            is none for what an alias sends there, a relay domain, or one of our own users.
    """

    message: Claimed
    raw: bytes
    places: tuple[tuple[ClaimedRecipient, Place], ...]
    forwarders: Mapping[int, LocalUser]

    @property
    def readers(self) -> list[tuple[ClaimedRecipient, int]]:
        """(recipient, user) of each copy for a mailbox here."""
        return [
            (recipient, user)
            for recipient, place in self.places
            if isinstance(place, Mailboxes)
            for user, _ in place.copies
        ]

    def address(self, recipient: ClaimedRecipient) -> str:
        """The address of ours behind a recipient: of the user who has it sent on, if one has."""
        user = self.forwarders.get(recipient.id)
        return recipient.address if user is None else user.address


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
    return Ground(
        inboxes=mailstore.inboxes(sorted(users)),
        judgements={one.id: found for one in claimed if (found := judging.read(one.judgement))},
        routes=dict(zip(outside, resolutions, strict=True)),
        hops=transports.next_hops(pairs) if pairs else {},
        lookups=sign.look_up(read),
        forwarders=_forwarders(claimed),
    )


def _forwarders(claimed: Sequence[Claimed]) -> dict[tuple[str, str], LocalUser]:
    """No question to the database where no mail from others goes on to another address."""
    written = {
        recipient.original: address
        for message in claimed
        if message.user_id is None
        for recipient in message.recipients
        if recipient.user_id is None
        and recipient.original != recipient.address
        and (address := _parsed(recipient.original)) is not None
    }
    found = routing.forwarders_of(list(dict.fromkeys(written.values()))) if written else {}
    return {
        (original, target): user
        for original, address in written.items()
        for target, user in found[address].items()
    }


def seat(message: Claimed, raw: bytes, found: Ground) -> Seated:
    """Find the place of each recipient's copies."""
    inboxes = found.inboxes
    served = {one.user_id for one in message.recipients if one.user_id in inboxes}
    places: list[tuple[ClaimedRecipient, Place]] = []
    for recipient in message.recipients:
        user_id = recipient.user_id
        if user_id is not None and user_id in inboxes:
            places.append((recipient, Mailboxes(((user_id, inboxes[user_id]),))))
            continue
        place = _look_up(message, recipient, found)
        if isinstance(place, Mailboxes):
            fresh = tuple(pair for pair in place.copies if pair[0] not in served)
            served.update(user for user, _ in fresh)
            place = Mailboxes(fresh)
        places.append((recipient, place))
    # What users send is judged as a whole, by the wishes of who sends it.
    sent_on = _sent_on(places, found) if message.user_id is None else {}
    return Seated(message, raw, tuple(places), sent_on)


def _sent_on(
    places: Sequence[tuple[ClaimedRecipient, Place]], found: Ground
) -> dict[int, LocalUser]:
    return {
        recipient.id: user
        for recipient, place in places
        if isinstance(place, Elsewhere)
        and (user := found.forwarders.get((recipient.original, recipient.address))) is not None
    }


def departures(
    seated: Seated, leaving: Sequence[tuple[ClaimedRecipient, Elsewhere]]
) -> list[tuple[ClaimedRecipient, str]]:
    """(recipient, destination) of the copies that leave us."""
    found = [(recipient, place.destination) for recipient, place in leaving]
    if found and not seated.message.requires_tls and _is_tls_optional(seated.raw):
        return [(recipient, transports.tls_optional(name)) for recipient, name in found]
    return found


def _is_tls_optional(raw: bytes) -> bool:
    """Whether the sender wrote `TLS-Required: No` (RFC 8689 section 3)."""
    if b"tls-required" not in raw[:HEADER_BYTES].lower():
        return False
    return [one.strip().lower() for one in headers.scan(raw).all(b"tls-required")] == [b"no"]


def _look_up(message: Claimed, recipient: ClaimedRecipient, found: Ground) -> Place:
    """Route an address anew: of a user who was removed since, whose place others may have taken; or
    of another host, which may have moved here."""
    address = _parsed(recipient.address)
    if address is None:
        return Nowhere(RecipientState.HELD, GONE)
    resolution = found.routes.get(recipient.address) or routing.resolve(address)
    if resolution.is_elsewhere and recipient.user_id is None:
        if settings.DEMO:  # its people do not exist, and everybody knows their passwords
            return Nowhere(RecipientState.HELD, DEMO)
        return Elsewhere(found.hops[_domains(message, recipient, address)].key)
    if resolution.status is not Status.LOCAL or resolution.remote:
        return Nowhere(RecipientState.HELD, GONE)
    users = [user.user_id for user in resolution.users]
    inboxes = mailstore.inboxes(users)
    if len(inboxes) != len(users):
        return Nowhere(RecipientState.HELD, GONE)
    return Mailboxes(tuple((user, inboxes[user]) for user in users))


def _parsed(text: str) -> Address | None:
    try:
        return Address.parse(text)
    except AddressError:
        return None


def _domains(message: Claimed, recipient: ClaimedRecipient, address: Address) -> tuple[str, str]:
    """The domains that choose a next hop: of the reverse path on the wire, and of the recipient."""
    sender = _parsed(reverse_path(message.sender, recipient))
    return ("" if sender is None else sender.domain), address.domain
