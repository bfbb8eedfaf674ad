"""A message's whole way, as one viewer may see it: from the first line of SMTP to what was done
with it in mailboxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from apps.delivery import states
from apps.delivery.recorder import acts, index, mailbox
from apps.delivery.recorder.fold import fold
from apps.delivery.recorder.folded import Folded
from apps.delivery.recorder.mailbox import Life, Place
from apps.delivery.recorder.reading import data_of, whole, word
from apps.delivery.recorder.sight import Sight, Taking, Viewer, seen, sight_of
from apps.delivery.states import EVENTS_MAX, RecipientState
from apps.directory import permissions
from apps.directory.models import User
from apps.directory.permissions import Ability, Powers
from apps.mailqueue import queries as queue
from apps.runtime.ulid import parse_ulid
from apps.trace import queries as traces
from apps.trace.models import Outcome, Party, Role
from apps.trace.queries import Recorded
from apps.trace.services import Taking as Indexed

LINKS_MOST: Final = 20  # other messages that are named
_ARRIVED: Final = frozenset((Outcome.DELIVERED, Outcome.JUNK))
_LINKS: Final = {
    "bounce.sent": "The report to its sender",
    "bounce.received": "A report that came back",
    "vacation.sent": "The absence reply",
}


@dataclass(frozen=True, slots=True)
class Link:
    """Another message that has to do with this one."""

    trace_id: UUID
    words: str


@dataclass(frozen=True, slots=True)
class Person:
    """A user who took part, as far as the viewer may know: `address` is "" for who is out of
    sight."""

    id: int
    address: str


@dataclass(frozen=True, slots=True)
class Journey:
    """All that one viewer may see of a message.

    Args:
        events: by time, with what may be seen of each.
        folded: what they come to.
        headline: one sentence that says where the message is, and why.
        life: what was done with it in mailboxes that are in sight.
        people: who did it, by user id; who is not in it is out of sight.
        owners: the users whose copies are in sight; None for all.
        is_cut: there are more events than were read.
    """

    trace_id: UUID
    events: tuple[Recorded, ...]
    folded: Folded
    headline: str
    life: Life
    recipients: tuple[RecipientState, ...]
    people: dict[int, Person]
    links: tuple[Link, ...]
    sight: Sight
    owners: frozenset[int] | None
    is_cut: bool


def viewer_of(powers: Powers) -> Viewer:
    """An administrator as one who looks at traces; one statement."""
    if powers.is_operator:
        return Viewer(sees_all=True)
    found = permissions.domains(powers, Ability.TRACE_MAIL)
    return Viewer(domains=frozenset(found.values_list("pk", flat=True)))


def find(identity: UUID) -> UUID:
    """The trace that an id means: its own, or that of the queue row with this id, which differ
    where LMTP brought one message for several."""
    if traces.events_of(identity, limit=1):
        return identity
    row = queue.one(identity)
    return identity if row is None else row.trace_id


def tell(trace_id: UUID, viewer: Viewer) -> Journey | None:
    """What a viewer may see of a message; None: for them it does not exist."""
    events = traces.events_of(trace_id, EVENTS_MAX + 1)
    whole_story = fold(trace_id, events)
    if whole_story is None:
        return None
    parties = _parties(trace_id, whole_story, events)
    sight = sight_of(viewer, parties, events)
    if sight is None:
        return None
    shown = sorted(seen(events[:EVENTS_MAX], sight), key=lambda one: one.at_us)
    folded = fold(trace_id, shown)
    if folded is None:
        return None
    owners = _owners(parties, viewer)
    filed = _filed(shown)
    life = mailbox.life(trace_id, filed, owners)
    return Journey(
        trace_id=trace_id,
        events=tuple(shown),
        folded=folded,
        headline=_headline(folded, life, filed),
        life=life,
        recipients=tuple(states.of_events(shown)),
        people=_people(life, viewer),
        links=_links(trace_id, shown),
        sight=sight,
        owners=owners,
        is_cut=len(events) > EVENTS_MAX or life.is_cut,
    )


def _headline(folded: Folded, life: Life, filed: Sequence[Place]) -> str:
    """Of one copy that arrived, the last that was done with it; else what became of the message."""
    boxes = [life.boxes[one.mailbox_id] for one in filed if one.mailbox_id in life.boxes]
    owners = {box.user_id for box in boxes}
    if len(owners) != 1 or len(folded.written) > 1 or folded.outcome not in _ARRIVED:
        return folded.cause
    return acts.headline(life, owners.pop()) or folded.cause


def _parties(trace_id: UUID, story: Folded, events: Sequence[Recorded]) -> list[Party | Indexed]:
    """Who took part: as the index knows them, and those that it has not come to yet."""
    known = list(Party.objects.filter(trace_id=trace_id).order_by("id"))
    have = {(one.role, one.address) for one in known}
    looked_up = index.parties_of([story], {trace_id: list(events)})
    return [*known, *(one for one in looked_up if (one.role, one.address) not in have)]


def _owners(parties: Sequence[Taking], viewer: Viewer) -> frozenset[int] | None:
    """Whose copies are in sight; an administrator looks into mailboxes that are theirs by now, too:
    who has gone to another tenant took the mailbox along."""
    if viewer.sees_all:
        return None
    theirs = {
        one.user_id
        for one in parties
        if one.user_id is not None
        and one.role != Role.SENDER
        and viewer.has(one.user_id, one.domain_id)
    }
    if viewer.user_id is not None or not theirs:
        return frozenset(theirs)
    homes = User.objects.filter(pk__in=sorted(theirs)).values_list("pk", "domain_id")
    # Who was removed is at home nowhere.
    return frozenset(pk for pk, home in homes if home is None or home in viewer.domains)


def _filed(events: Sequence[Recorded]) -> list[Place]:
    found = []
    for one in events:
        data = data_of(one)
        if one.kind == "local.delivered" and (uid := whole(data.get("uid"))):
            found.append(Place(whole(data.get("mailbox")), uid, one.at_us))
    return found[: mailbox.PLACES_MOST]


def _people(life: Life, viewer: Viewer) -> dict[int, Person]:
    """Who acted, and whose mailboxes they are; those out of sight without an address."""
    ids = {one.actor for one in life.acts if one.actor is not None}
    ids |= {box.user_id for box in life.boxes.values()}
    if not ids:
        return {}
    rows = User.objects.filter(pk__in=sorted(ids)).values_list("pk", "address", "domain_id")
    homes = {pk: domain_id for pk, _, domain_id in rows}
    own = homes.get(viewer.user_id) if viewer.user_id is not None else None
    found = {}
    for pk, address, domain_id in rows:
        is_near = own is not None and domain_id == own
        may = viewer.has(pk, domain_id) or is_near
        found[pk] = Person(pk, address if may else "")
    return found


def _links(trace_id: UUID, events: Sequence[Recorded]) -> tuple[Link, ...]:
    found: dict[UUID, str] = {}
    for one in events:
        other = parse_ulid(word(data_of(one), "trace"))
        if other is None or other == trace_id or len(found) >= LINKS_MOST:
            continue
        found.setdefault(other, _LINKS.get(one.kind, "The message that this one is about"))
    return tuple(Link(other, words) for other, words in found.items())
