"""The destinations that one loop is at work for, and how its connections are shared among them.

A line holds a little claimed mail for one destination and the connections that carry it. Shares
keep destinations that do not answer from taking all connections: those whose last try failed may
hold half of them together, and three quarters together with those that we know nothing of; the rest
is for servers that have lately taken mail. Among equals the line with the fewest connections is
next, so one with a backlog of thousands does not delay one with a single message.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from apps.delivery.outbound.pace import Pace, Trust
from apps.delivery.outbound.transactions import Work
from apps.remote.types import NextHop

# Messages of one claim: one where the last try failed, for it will hardly go better; some where we
# know nothing; many where all is well, so that a claim costs little for each.
CLAIM: Final = {Trust.DOUBTFUL: 1, Trust.NEW: 4, Trust.PROVEN: 40}
_SHARES: Final = {Trust.DOUBTFUL: 0.5, Trust.NEW: 0.75, Trust.PROVEN: 1.0}
_PACES: Final = 10_000  # destinations whose pace is remembered
# A connection that has carried so many messages makes room for a destination that has none.
PATIENCE: Final = 10


@dataclass(slots=True, eq=False)
class Line:
    """One destination at work.

    Args:
        waiting: claimed mail in the order in which it is to go.
        lanes: connections that carry its mail, or are being made.
        is_filling: a claim is under way.
        is_dry: the last claim found less than it asked for.
        rests_until: monotonic time before which its rate allows no message.
        is_down: it could not be reached; nothing more is claimed for it.
        sour: messages in a row that it put off in good order.
    """

    name: str
    pace: Pace
    hop: NextHop | None = None
    waiting: deque[Work] = field(default_factory=deque)
    lanes: int = 0
    claims: int = 0
    is_filling: bool = False
    is_dry: bool = False
    rests_until: float = 0.0
    is_down: bool = False
    sour: int = 0

    @property
    def claim_limit(self) -> int:
        """Messages of its next claim: no more than its rate lets go soon, for what is under lease
        can be cancelled no more."""
        return min(CLAIM[self.pace.trust], self.pace.burst or CLAIM[Trust.PROVEN])

    @property
    def is_over(self) -> bool:
        """Nothing is left to do for it here."""
        return not (self.waiting or self.lanes or self.is_filling) and (self.is_dry or self.is_down)

    @property
    def wants_mail(self) -> bool:
        """Its connections will soon have nothing to carry."""
        if self.is_filling or self.is_dry or self.is_down:
            return False
        return len(self.waiting) <= self.lanes

    def wants_lane(self, now: float) -> bool:
        """It has mail, and its pace allows a connection more."""
        return bool(self.waiting) and self.lanes < self.pace.limit and self.rests_until <= now


class Paces:
    """The pace of each destination that was seen lately, kept while it has no line."""

    def __init__(self, most: int, per_minute: int) -> None:
        self._most, self._per_minute = most, per_minute
        self._kept: OrderedDict[str, Pace] = OrderedDict()

    def of(self, name: str, failures: int) -> Pace:
        """The pace of a destination; `failures` is what the queue knows of it, from all workers."""
        pace = self._kept.get(name)
        if pace is None or (failures == 0) != (pace.failures == 0):
            pace = self._kept[name] = Pace(self._most, self._per_minute, failures)
        pace.failures = failures
        self._kept.move_to_end(name)
        if len(self._kept) > _PACES:
            self._kept.popitem(last=False)
        return pace


class Shares:
    """Who may have the next connection, of `total`."""

    def __init__(self, total: int) -> None:
        self.total = total

    def next(self, lines: Iterable[Line], now: float) -> Line | None:
        """The line that is to have one more connection; None if none may."""
        used = dict.fromkeys(Trust, 0)
        wanting = []
        for line in lines:
            used[line.pace.trust] += line.lanes
            if line.wants_lane(now):
                wanting.append(line)
        if sum(used.values()) >= self.total:
            return None
        may = [line for line in wanting if self._allows(line.pace.trust, used)]
        # min() keeps the order of those that are equal: who was found due first comes first.
        return min(may, key=lambda line: line.lanes, default=None)

    def _allows(self, trust: Trust, used: dict[Trust, int]) -> bool:
        """Whether `trust` and all that is worse have not used up their share."""
        taken = sum(count for other, count in used.items() if other <= trust)
        return taken < max(1, int(self.total * _SHARES[trust]))
