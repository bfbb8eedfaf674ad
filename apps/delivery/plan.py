"""What is to happen to a message that was judged: its copies and where they go, what leaves signed,
what its sender is told. No transaction, no writes.

Until the transaction that carries it out nobody knows whether the message may still be refused, so
the plan says both: how it is refused, and what is done if that is too late.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.delivery import bounce, decision, heldmail, incoming, places, returned, sign
from apps.delivery.bounce import Report
from apps.delivery.decision import Decision
from apps.delivery.heldmail import HeldNotice
from apps.delivery.judged import Judged
from apps.delivery.places import Elsewhere, Ground, Mailboxes, Nowhere, Seated
from apps.delivery.vacation import Reply
from apps.mailqueue.models import RecipientState
from apps.mailqueue.services import Claimed, ClaimedRecipient
from apps.mailstore import queries as mailstore
from apps.mailstore.models import SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.services.deliver import Filing
from apps.mailstore.services.prepare import PreparedMessage, prepare
from apps.reception.judging import Judgement
from apps.reports.services import Arrived
from apps.runtime.ulid import ulid_text
from apps.scan.base import Action
from apps.scan.deeds import Done
from apps.scan.servers.check import MARK, mark
from apps.scan.services import quarantine
from apps.scan.services.quarantine import Keep, Taking
from apps.trace import services as trace

DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a message, and what is done with it.

    Args:
        user_id: whose it is; None: it goes to another server, or nowhere.
        mailbox_id: where it is filed, if it is.
        why: what speaks against it, "" if nothing does.
        by: what decided where that says Junk: a list, the door, a rule, or points.
        points: of the filter, for who gets it.
        forwarder: the user who has it sent to another server, if it goes there by such a wish.
    """

    recipient: ClaimedRecipient
    user_id: int | None
    done: Done
    mailbox_id: int = 0
    why: str = ""
    forwarder: int | None = None
    by: str = ""
    points: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A message with its decision, and all that carrying it out takes.

    Args:
        copies: what is done with each, unless the message is refused, held or put off.
        departures: (recipient, destination) of each copy that leaves us; `signatures` go before it.
        takings: copies for quarantine.
        reports: what the sender is to be told; `events`: what the message itself reports.
        arrived: it may carry a report on one of our domains, to be read later.
        notice: what is told of a message that is held.
        known_by: names of the sender, once for each copy that somebody wants.
        replies: of readers who are away; `asides`: what is told of readers who do not answer.
    """

    judged: Judged
    decision: Decision
    copies: tuple[Copy, ...] = ()
    filings: tuple[Filing, ...] = ()  # of the copies that are filed, in their order
    outcomes: tuple[tuple[ClaimedRecipient, str, str], ...] = ()
    departures: tuple[tuple[ClaimedRecipient, str], ...] = ()
    signatures: bytes = b""
    takings: tuple[Taking, ...] = ()
    reports: tuple[Report, ...] = ()
    events: tuple[trace.Event, ...] = ()
    arrived: Arrived | None = None
    notice: HeldNotice | None = None
    known_by: tuple[str, ...] = ()
    replies: tuple[Reply, ...] = ()
    asides: tuple[trace.Event, ...] = ()

    @property
    def message(self) -> Claimed:
        return self.judged.seated.message

    @property
    def id(self) -> UUID:
        return self.message.id

    @property
    def waiting(self) -> list[tuple[ClaimedRecipient, str]]:
        """Recipients for whom the message is still ours to deliver, and why."""
        return [
            (recipient, words) for recipient, state, words in self.outcomes if state not in _SETTLED
        ] + [(recipient, f"to be sent to {name}") for recipient, name in self.departures]

    @property
    def held(self) -> frozenset[int]:
        """The ids of recipients who have no mailbox any more: an administrator must look."""
        held = RecipientState.HELD.value
        return frozenset(recipient.id for recipient, state, _ in self.outcomes if state == held)


_SETTLED = frozenset((RecipientState.DELIVERED.value, RecipientState.QUARANTINED.value))


def junks(batch: Iterable[Judged]) -> Mapping[int, int]:
    """Junk of those who shall find some of a batch there; one query, if there are any."""
    wanted = {
        user for one in batch for _, user in one.seated.readers if _done(one, user) is Done.JUNK
    }
    return mailstore.boxes(sorted(wanted), SpecialUse.JUNK) if wanted else {}


def make(judged: Judged, found: Ground, junk: Mapping[int, int]) -> Plan:
    """Plan what is to be done with a message.

    Args:
        junk: mailbox by user; who has removed it gets what belongs there into INBOX.
    """
    seated = judged.seated
    message, raw, verdict = seated.message, seated.raw, judged.verdict
    decided = decision.decide(
        verdict, is_outgoing=message.user_id is not None, reference=ulid_text(message.trace_id)
    )
    if decided.hold:
        return Plan(judged, decided, notice=heldmail.prepare(message, raw, verdict))
    if decided.put_off:
        return Plan(judged, decided)
    copies = [copy for pair in seated.places for copy in _copies(judged, *pair, junk)]
    leaving = places.departures(seated, _leaving(seated, copies))
    judgement = found.judgements.get(message.id)
    readers = [one.user_id for one in copies if one.mailbox_id and one.user_id is not None]
    noted = returned.events(message, raw)
    return Plan(
        judged,
        decided,
        tuple(copies),
        tuple(_filings(judged, copies)),
        tuple(_outcomes(seated, copies)),
        tuple(leaving),
        sign.signatures(message, raw, [one for one, _ in leaving], found.lookups, judgement),
        tuple(_takings(judged, copies)),
        tuple(_reports(seated, copies)),
        (*noted, *returned.about(message, noted)),
        incoming.arrived(message, raw, readers, judgement),
        known_by=_known_by(judged, judgement, copies),
    )


def _known_by(
    judged: Judged, judgement: Judgement | None, copies: Sequence[Copy]
) -> tuple[str, ...]:
    """What goes to Junk or is kept back makes nobody known, and who has no Junk wants it as
    little."""
    if judgement is None or not judgement.names:
        return ()
    wanted = [one for one in copies if one.done in _WANTED and _is_wanted(judged, one)]
    return judgement.names * len(wanted)


def _is_wanted(judged: Judged, copy: Copy) -> bool:
    return judged.verdict.opinion(copy.user_id or copy.forwarder).action is Action.NONE


_WANTED = frozenset((Done.INBOX, Done.SENT))


def _done(judged: Judged, user_id: int | None, *, is_elsewhere: bool = False) -> Done:
    return decision.done_with(
        judged.verdict.opinion(user_id),
        is_elsewhere=is_elsewhere,
        is_outgoing=judged.seated.message.user_id is not None,
    )


def _copies(
    judged: Judged, recipient: ClaimedRecipient, place: places.Place, junk: Mapping[int, int]
) -> list[Copy]:
    if isinstance(place, Nowhere):
        return [Copy(recipient, None, Done.NOWHERE, why=place.words)]
    if isinstance(place, Elsewhere):
        return [_departure(judged, recipient)]
    return [_copy(judged, recipient, *pair, junk) for pair in place.copies]


def _departure(judged: Judged, recipient: ClaimedRecipient) -> Copy:
    """A copy for another server: who has it sent on wants it, or does not."""
    user = judged.seated.forwarders.get(recipient.id)
    forwarder = None if user is None else user.user_id
    done = _done(judged, forwarder, is_elsewhere=True)
    why = judged.verdict.opinion(forwarder).why
    return Copy(recipient, None, done, why=why, forwarder=forwarder)


def _copy(
    judged: Judged, recipient: ClaimedRecipient, user_id: int, inbox: int, junk: Mapping[int, int]
) -> Copy:
    done = _done(judged, user_id)
    mailbox = 0 if done is Done.QUARANTINE else inbox
    if done is Done.JUNK:
        mailbox = junk.get(user_id, inbox)
        done = Done.INBOX if mailbox == inbox else done
    verdict = judged.verdict
    opinion = verdict.opinion(user_id)
    by = verdict.decided_by(user_id) if done is Done.JUNK else ""
    return Copy(recipient, user_id, done, mailbox, opinion.why, by=by, points=opinion.points)


def _leaving(seated: Seated, copies: Sequence[Copy]) -> list[tuple[ClaimedRecipient, Elsewhere]]:
    sent = {one.recipient.id for one in copies if one.done is Done.SENT}
    return [
        (recipient, place)
        for recipient, place in seated.places
        if isinstance(place, Elsewhere) and recipient.id in sent
    ]


def _outcomes(seated: Seated, copies: Sequence[Copy]) -> list[tuple[ClaimedRecipient, str, str]]:
    """The state that each recipient gets now; those whose copy leaves us get theirs later."""
    by_recipient: dict[int, list[Copy]] = {}
    for one in copies:
        by_recipient.setdefault(one.recipient.id, []).append(one)
    found = []
    for recipient, place in seated.places:
        mine = by_recipient.get(recipient.id, [])
        if isinstance(place, Nowhere):
            found.append((recipient, place.state.value, place.words))
        elif mine and all(one.done is Done.QUARANTINE for one in mine):
            found.append((recipient, RecipientState.QUARANTINED.value, mine[0].why))
        elif isinstance(place, Mailboxes):
            found.append((recipient, RecipientState.DELIVERED.value, DELIVERED))
    return found


def _takings(judged: Judged, copies: Sequence[Copy]) -> list[Taking]:
    kept = [
        Keep(one.recipient, one.user_id or one.forwarder, is_elsewhere=one.user_id is None)
        for one in copies
        if one.done is Done.QUARANTINE
    ]
    if not kept:
        return []
    seated = judged.seated
    return quarantine.prepare(seated.message, seated.raw, judged.verdict, kept)


def _reports(seated: Seated, copies: Sequence[Copy]) -> list[Report]:
    """Whoever sends what is taken for spam is told nothing of it: neither where it is, nor that
    anybody is here."""
    if any(one.done in _DOUBTED for one in copies):
        return []
    delivered = [one for one, place in seated.places if isinstance(place, Mailboxes)]
    fates = bounce.at_processing(seated.message.recipients, delivered)
    return bounce.prepare(seated.message, fates, seated.raw) if fates else []


_DOUBTED = frozenset((Done.JUNK, Done.QUARANTINE))


def _filings(judged: Judged, copies: Sequence[Copy]) -> list[Filing]:
    """The copies for mailboxes; what only leaves us is not read for them."""
    seated = judged.seated
    message = seated.message
    filed = [one for one in copies if one.mailbox_id]
    if not filed:
        return []
    prepared = prepare(
        seated.raw,
        prefix=message.prefix,
        cuts=message.cuts,
        blob_id=message.blob_id,
        trace_id=message.trace_id,
    )
    missed = mark(judged.verdict.findings)
    note = f"{MARK}: {missed}\r\n" if missed else ""
    return [_filing(message, prepared, one, note) for one in filed]


def _filing(message: Claimed, prepared: PreparedMessage, copy: Copy, note: str) -> Filing:
    recipient, user_id = copy.recipient, copy.user_id
    assert user_id is not None
    head = f"Return-Path: <{message.sender}>\r\nDelivered-To: {recipient.address}\r\n{note}"
    return Filing(
        message=prepared,
        user_id=user_id,
        mailbox_id=copy.mailbox_id,
        head=head.encode(),
        internaldate=message.received_at_us // 1_000_000,
        internaldate_offset=0,
        reserved=recipient.reserved if user_id == recipient.user_id else 0,
        origin=Origin(door=message.door, user_id=None),
    )
