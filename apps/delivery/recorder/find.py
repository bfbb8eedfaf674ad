"""Which messages somebody means: one box for an address, a domain, a server's address, an id, or
words of a subject; filters; newest first, as far as the sight of who asks reaches.

What only some may see is judged by what they may see of it: a row is folded of the events in sight,
and is shown if that fits what was asked. So a search tells nothing of a recipient that the page of
the message would not tell.
"""

import ipaddress
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import OperationalError

from apps.delivery import states
from apps.delivery.recorder import index
from apps.delivery.recorder.fold import fold
from apps.delivery.recorder.folded import Folded
from apps.delivery.recorder.sight import Viewer, key_of, seen, sight_of
from apps.mailqueue import queries as queue
from apps.mime.address import Address, AddressError, looks_like_one, normalise_domain, take_apart
from apps.runtime.clock import now_us
from apps.runtime.ulid import parse_ulid
from apps.trace import passages, walks
from apps.trace import queries as traces
from apps.trace.passages import Fitting, Row
from apps.trace.walks import By, Spot, Way
from apps.trace.words import ASKED, fits, words_of

logger = logging.getLogger(__name__)

PAGE: Final = 50
STEPS: Final = (120, 800, 4_000, 14_000)  # rows of the index that a page looks through, in turn
JUDGED: Final = 400  # messages of a page whose events are read to see what of them is in sight
FEW: Final = 1_500  # parties: so few in somebody's sight are all looked through
MANY_HOMES: Final = 300  # domains that are walked side by side
NAMES: Final = 16  # addresses that begin with what was typed
SHORTEST: Final = 3  # characters of such a beginning
KEPT_US: Final = 91 * 86_400_000_000
_AHEAD_US: Final = 86_400_000_000  # by which the clock of a machine may be ahead
_ROLES: Final = {
    "": ("sender", "written", "final"),
    "sender": ("sender",),
    "recipient": ("written", "final"),
}
_LAST: Final = UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for; "" and None ask for anything.

    Args:
        text: what stands in the box.
        since_us, until_us: the period, Unix microseconds, both ends within.
        role: of the addresses and domains in the text: `sender` or `recipient`.
        peer: name of a server, or what names end with.
        least, most: points of the filter.
    """

    text: str = ""
    since_us: int | None = None
    until_us: int | None = None
    direction: str = ""
    outcome: str = ""
    role: str = ""
    peer: str = ""
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after this message."""

    at_us: int
    trace_id: UUID


@dataclass(frozen=True, slots=True)
class Found:
    """Some messages, newest first.

    Args:
        following: the last one, if there are more.
        looked_to: how far back it was looked, if not to the end of the period: a page begins there.
    """

    rows: list[Row]
    following: Place | None = None
    looked_to: Place | None = None


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a text means. Ids are messages; of the others the first that is given counts, but for
    `words`, `addresses` and `beginning` together: any of them."""

    ids: tuple[UUID, ...] = ()
    addresses: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    client: str = ""
    message_id: str = ""
    words: tuple[str, ...] = ()
    beginning: str = ""  # of an address, of which `addresses` are the first few that there are

    @property
    def is_any(self) -> bool:
        return self == _ANYTHING

    def ways(self) -> list[Way]:
        found = [
            Way(By.ADDRESS, self.addresses),
            Way(By.DOMAIN, self.domains),
            Way(By.CLIENT, (self.client,) if self.client else ()),
            Way(By.MESSAGE, (self.message_id,) if self.message_id else ()),
            Way(By.WORDS, self.words),
        ]
        return [way for way in found if way.keys]

    def fits(self, one: Folded, role: str) -> bool:
        """Whether what somebody may see of a message has it."""
        if self.is_any or self.ids:
            return True
        if self.client:
            return one.address == self.client
        if self.message_id:
            return one.message_id == self.message_id
        there = {key_of(address) for address in _taking(one, role)}
        if self.domains:
            return any(take_apart(address)[1] in self.domains for address in there)
        if self.addresses and not there.isdisjoint(self.addresses):
            return True
        if self.beginning and any(address.startswith(self.beginning) for address in there):
            return True
        return bool(self.words) and fits(list(self.words), one.subject)


_ANYTHING: Final = _Meaning()


def find(asked: Question, viewer: Viewer, *, after: Place | None = None, most: int = PAGE) -> Found:
    """A page of messages."""
    for meaning in _meanings(asked.text):
        found = _Search(asked, viewer, meaning, after, most).run()
        if found.rows or found.looked_to:
            return found
    return Found([])


def is_known(address: str) -> bool:
    """Whether an address took part in anything."""
    key = key_of(address)
    return walks.addresses_from(key, 1) == [key]


def catch_up() -> passages.Standing:
    """See to it that what happened just now is found: a few events that are not indexed yet are,
    before somebody searches. How far the index is then: where it cannot be written, as it was."""
    try:
        index.catch_up(seconds=0.3, batches=2)
    except OperationalError:
        logger.exception("the trace index cannot be written")
    return passages.standing()


def _meanings(text: str) -> list[_Meaning]:
    """What a text may mean, the likeliest first: the next one counts if nothing is found."""
    text = text.strip()
    if not text:
        return [_ANYTHING]
    identity = parse_ulid(text)
    if identity is not None:
        return [_Meaning(ids=_of_id(identity))]
    if text.startswith("<"):
        inner = text[1:].removesuffix(">")
        return [_Meaning(message_id=f"<{inner}>"), *_of_address(inner)]
    if looks_like_one(text) and not any(sign.isspace() for sign in text):
        # A Message-ID without its brackets looks like an address.
        return [*_of_domain(text.removeprefix("@")), *_of_address(text), _of_message(text)]
    client = _client(text)
    if client:
        return [_Meaning(client=client)]
    return [*_of_domain(text), *_of_words(text)]


def _of_id(identity: UUID) -> tuple[UUID, ...]:
    """A trace; or the message of a queue id, which differs where LMTP brought one for several."""
    row = queue.one(identity)
    return tuple(dict.fromkeys([identity, *([row.trace_id] if row is not None else [])]))


def _of_message(text: str) -> _Meaning:
    return _Meaning(message_id=f"<{text}>")


def _of_address(text: str) -> list[_Meaning]:
    """An address, and the same with details: mail to alice+lists@ is mail to alice@."""
    try:
        address = Address.parse(text)
    except AddressError:
        return []
    names = walks.addresses_from(f"{take_apart(address.key)[0]}+", NAMES)
    details = [name for name in names if take_apart(name)[1] == address.domain]
    return [_Meaning(addresses=(address.key, *details))]


def _of_domain(text: str) -> list[_Meaning]:
    if "." not in text or looks_like_one(text):
        return []
    try:
        name = normalise_domain(text)
    except AddressError:
        return []
    return [_Meaning(domains=(name,))]


def _of_words(text: str) -> list[_Meaning]:
    """Words of a subject, and where there is one alone the beginning of an address too."""
    words = tuple(dict.fromkeys(words_of(text, ASKED)))
    folded = text.casefold()
    is_beginning = len(folded) >= SHORTEST and not any(sign.isspace() for sign in folded)
    names = walks.addresses_from(folded, NAMES) if is_beginning else []
    if not words and not names:
        return []
    return [_Meaning(words=words, addresses=tuple(names), beginning=folded if names else "")]


def _client(text: str) -> str:
    """A server's address as it is recorded, also of an address literal of SMTP."""
    plain = text.strip("[]")
    if plain[:5].casefold() == "ipv6:":
        plain = plain[5:]
    try:
        found = ipaddress.ip_address(plain)
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)


def _taking(one: Folded, role: str) -> list[str]:
    recipients = [*one.written, *one.finals]
    if role == "sender":
        return [one.sender]
    return recipients if role == "recipient" else [one.sender, *recipients]


@dataclass(slots=True)
class _Search:
    """One search for one page; see `find`."""

    asked: Question
    viewer: Viewer
    meaning: _Meaning
    after: Place | None
    most: int
    rows: list[Row] = field(default_factory=list)
    judged: int = 0

    def run(self) -> Found:
        since, until = self._period()
        if self.meaning.ids:
            named = list(self.meaning.ids)
            return Found(self._shown(self._fitting(named, since, until, walked=True)))
        ways, is_by_text = self._ways(since, until)
        if not ways:
            return Found([])
        for step in STEPS:
            reached, shown = self._step(ways, since, until, step, is_by_text=is_by_text)
            if (cut := self._take(shown)) is not None:
                return self._page(Place(cut.at_us, cut.trace_id))
            if len(self.rows) > self.most or reached is None or reached < since:
                return self._page(None)
            until = reached
        return self._page(Place(until, _LAST))

    def _step(
        self, ways: Sequence[Way], since: int, until: int, most: int, *, is_by_text: bool
    ) -> tuple[int | None, list[Row]]:
        """Where the next step begins, and what fits of this one.

        That no walk leads past the ends of it tells the planner how few of all messages it is.
        """
        if ways[0].by is By.TIME:
            reached = walks.reach(since, until, most)
            low = since if reached is None else reached + 1
            return reached, self._fitting(None, low, until, walked=is_by_text)
        met = walks.stretch(ways, since, until, most)
        low = since if met.reached is None else max(since, met.reached)
        some = self._walked(met.spots, is_by_text=is_by_text)
        return met.reached, self._fitting(some, low, until, walked=is_by_text)

    def _page(self, looked_to: Place | None) -> Found:
        if len(self.rows) > self.most:
            last = self.rows[self.most - 1]
            return Found(self.rows[: self.most], Place(last.at_us, last.trace_id))
        return Found(self.rows, looked_to=looked_to)

    def _period(self) -> tuple[int, int]:
        now = now_us()
        since = self.asked.since_us if self.asked.since_us is not None else now - KEPT_US
        until = self.asked.until_us if self.asked.until_us is not None else now + _AHEAD_US
        return since, until if self.after is None else min(until, self.after.at_us)

    # -- which way ------------------------------------------------------------------------------

    def _ways(self, since: int, until: int) -> tuple[list[Way], bool]:
        """What is walked, and whether all of it fits the text. Where all that somebody may see is
        little, that is looked through whole, whatever was asked for."""
        wanted = self.meaning.ways()
        if self.viewer.sees_all:
            return self._ways_of_all(wanted, since, until)
        sight = self._sight()
        if sight is None:
            return [], False
        if len(sight.keys) > MANY_HOMES:
            return wanted or [Way(By.TIME)], True
        if not wanted or walks.count(sight, since, until, FEW) < FEW:
            return [sight], False
        return wanted, True

    def _ways_of_all(self, wanted: list[Way], since: int, until: int) -> tuple[list[Way], bool]:
        """For who sees everything: by what was asked for, or by the outcome if few came to it."""
        if not self.asked.outcome:
            return wanted or [Way(By.TIME)], True
        by_outcome = Way(By.OUTCOME, (self.asked.outcome,))
        if len(wanted) != 1 or wanted[0].by is By.WORDS:
            return wanted or [by_outcome], True
        way = walks.rarer(wanted[0], by_outcome, since, until)
        return [way], way is not by_outcome

    def _sight(self) -> Way | None:
        if self.viewer.user_id is not None:
            return Way(By.USER, (self.viewer.user_id,))
        homes = tuple(sorted(self.viewer.domains))
        return Way(By.HOME, homes) if homes else None

    def _walked(self, spots: Sequence[Spot], *, is_by_text: bool) -> list[UUID]:
        roles = _ROLES.get(self.asked.role, _ROLES[""])
        return list(
            dict.fromkeys(
                spot.trace_id
                for spot in spots
                if not is_by_text or not spot.role or spot.role in roles
            )
        )

    # -- what fits ------------------------------------------------------------------------------

    def _fitting(
        self, met: Sequence[UUID] | None, since: int, until: int, *, walked: bool
    ) -> list[Row]:
        """Those that were met and fit, as the index knows them; None: whatever there is.

        Args:
            since, until: the part of the period where they were met, both ends within.
            walked: the walk went by what the text means, so that all fit that.
        """
        asked, viewer = self.asked, self.viewer
        meaning = _ANYTHING if walked else self.meaning
        least, most = asked.least, asked.most
        has_points = least is not None or most is not None
        before = self.after.trace_id if self.after and until == self.after.at_us else None
        both = bool(meaning.words)  # an address or words: what fits is seen when it is judged
        fitting = Fitting(
            since_us=since,
            until_us=until,
            before=before,
            direction=asked.direction,
            outcome=asked.outcome,
            has_several=not viewer.sees_all,
            peer=asked.peer.casefold(),
            points=(_low(least), _high(most)) if has_points else None,
            user_id=viewer.user_id if walked and not viewer.sees_all else None,
            homes=self._homes() if walked else None,
            addresses=() if both else meaning.addresses,
            domains=meaning.domains,
            roles=_ROLES.get(asked.role, _ROLES[""]),
            client=meaning.client,
            message_id=meaning.message_id,
        )
        limit = self.most + 1 - len(self.rows) if viewer.sees_all else JUDGED + 1
        return passages.fitting(met, fitting, limit)

    def _homes(self) -> frozenset[int] | None:
        if self.viewer.sees_all or self.viewer.user_id is not None:
            return None
        return self.viewer.domains

    def _take(self, rows: Sequence[Row]) -> Row | None:
        """Keep those that are in sight. The last that was looked at, if no more may be."""
        for begin in range(0, len(rows), self.most + 1):
            some = rows[begin : begin + self.most + 1]
            self.rows += self._shown(some)
            if len(self.rows) > self.most:
                return None
            if not self.viewer.sees_all:
                self.judged += len(some)
                if self.judged >= JUDGED:
                    return some[-1]
        return None

    def _shown(self, rows: Sequence[Row]) -> list[Row]:
        """As who asks may see them; without those that are not in sight, or do not fit so."""
        if self.viewer.sees_all:
            return list(rows)
        return [row for row in in_sight(rows, self.viewer) if self._fits(row)]

    def _fits(self, seen_row: "SeenRow") -> bool:
        one, asked = seen_row.folded, self.asked
        if asked.outcome and one.outcome != asked.outcome:
            return False
        if asked.direction and one.direction != asked.direction:
            return False
        if asked.peer and not _is_named(one.peer.casefold(), asked.peer.casefold()):
            return False
        has_points = asked.least is not None or asked.most is not None
        if has_points and not _is_between(one.points, asked.least, asked.most):
            return False
        return self.meaning.fits(one, asked.role)


@dataclass(frozen=True, slots=True)
class SeenRow(Row):
    """A message as somebody may see it, and all that it comes to so."""

    folded: Folded


def in_sight(rows: Sequence[Row], viewer: Viewer) -> list[SeenRow]:
    """What some messages come to for somebody who may not see all of them; two statements, and
    one more for those to whom much happened."""
    ids = [row.trace_id for row in rows]
    events = traces.stories(ids, few=states.EVENTS_LISTED, most=states.EVENTS_MAX)
    parties = passages.parties_of(ids)
    found = []
    for row in rows:
        told = events.get(row.trace_id, [])
        sight = sight_of(viewer, parties.get(row.trace_id, []), told)
        if sight is None:
            continue
        one = fold(row.trace_id, seen(told, sight))
        if one is not None:
            found.append(_seen_row(row, one))
    return found


def _seen_row(row: Row, one: Folded) -> SeenRow:
    shown = (*one.written, *one.finals)
    return SeenRow(
        trace_id=row.trace_id,
        at_us=row.at_us,
        direction=one.direction,
        sender=one.sender,
        recipient=shown[0] if shown else "",
        recipients=len(one.written) or len(one.finals),
        subject=one.subject,
        peer=one.peer.casefold(),
        points=one.points,
        outcome=one.outcome,
        cause=one.cause,
        took_us=one.took_us,
        folded=one,
    )


def _is_named(name: str, wanted: str) -> bool:
    return name == wanted or name.endswith(f".{wanted}")


def _is_between(points: float | None, least: float | None, most: float | None) -> bool:
    return points is not None and _low(least) <= points <= _high(most)


def _low(points: float | None) -> float:
    return -1e9 if points is None else points


def _high(points: float | None) -> float:
    return 1e9 if points is None else points
