"""Mail flow, read: how much went which way, in minutes and hours that are counted already."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from apps.runtime.rows import among, fetch, listed
from apps.trace.models import Cursor, FlowTotal, TraceEvent

EVERYTHING: Final = 0  # in place of a domain
MINUTE, HOUR, QUARTER, DAY = 60, 3_600, 21_600, 86_400  # seconds
MICROSECONDS: Final = 1_000_000
# Seconds that a message took to a mailbox; beyond the last there is one more place.
BOUNDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0)
TOOK: Final = tuple(f"took_{place}" for place in range(len(BOUNDS) + 1))
NAME: Final = "flow"  # of the one row of totals


@dataclass(frozen=True, slots=True)
class Flowed:
    """Messages of some time; see `models.Figures`. `times` are how many took how long."""

    received: int = 0
    sent: int = 0
    delivered: int = 0
    handed: int = 0
    junk: int = 0
    quarantined: int = 0
    refused: int = 0
    put_off: int = 0
    deferred: int = 0
    bounced: int = 0
    viruses: int = 0
    octets: int = 0
    took: int = 0
    times: tuple[int, ...] = (0,) * len(TOOK)

    def __add__(self, other: "Flowed") -> "Flowed":
        return Flowed.of([a + b for a, b in zip(self.row, other.row, strict=True)])

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Flowed":
        """Of columns in the order of COLUMNS."""
        figures = [int(number or 0) for number in row]
        plain = dict(zip(COLUMNS[:_PLAIN], figures[:_PLAIN], strict=True))
        return cls(**plain, times=tuple(figures[_PLAIN:]))

    @property
    def row(self) -> tuple[int, ...]:
        """The same as columns."""
        return (*(getattr(self, name) for name in COLUMNS[:_PLAIN]), *self.times)

    @property
    def spam(self) -> int:
        """What was held to be spam, and was not refused."""
        return self.junk + self.quarantined

    @property
    def offered(self) -> int:
        """All that somebody wanted to bring here."""
        return self.received + self.refused + self.put_off

    @property
    def arrived(self) -> int:
        """Messages of which it is known how long they took."""
        return sum(self.times)

    def within(self, share: float) -> float | None:
        """Seconds within which this share of the messages arrived, guessed evenly within a place
        of the scale; beyond the scale its end, None for no messages."""
        wanted, below = share * self.arrived, 0
        if not self.arrived:
            return None
        for number, low, high in zip(self.times, (0.0, *BOUNDS), BOUNDS, strict=False):
            if number and below + number >= wanted:
                return low + (high - low) * (wanted - below) / number
            below += number
        return BOUNDS[-1]


COLUMNS: Final = (*(one.name for one in fields(Flowed) if one.name != "times"), *TOOK)
_PLAIN: Final = len(COLUMNS) - len(TOOK)
_SUMS: Final = ", ".join(f"SUM({name})" for name in COLUMNS)
_COURSE: Final = f"""
SELECT (at - %s) / %s AS place, {_SUMS} FROM trace_flow
WHERE span = %s AND {{scopes}} AND at >= %s AND at < %s GROUP BY 1"""


def course(scopes: Sequence[int], *, since_us: int, step: int, steps: int) -> list[Flowed]:
    """What went in each of `steps` spans from a moment on; one statement.

    Args:
        scopes: ids of domains, or EVERYTHING alone. A message of two domains counts in each.
        since_us: where one of what `step` is made of begins; Unix microseconds.
        step: seconds of a span: some minutes, hours, quarters of a day or days.
    """
    length = step * MICROSECONDS
    span = next(one for one in (DAY, QUARTER, HOUR, MINUTE) if step % one == 0)
    sql = _COURSE.format(scopes=among("domain_id"))
    values = [since_us, length, span, listed(scopes), since_us, since_us + length * steps]
    found = [Flowed()] * steps
    for place, *row in fetch(sql, values) if scopes else ():
        found[int(place)] = Flowed.of(row)
    return found


def counted_until() -> int:
    """What was recorded before this moment is counted, Unix microseconds; 0: nothing yet."""
    return int(FlowTotal.objects.filter(name=NAME).values_list("until", flat=True).first() or 0)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far mail is counted.

    Args:
        total: all that was ever counted; it only rises.
        until_us: what was recorded before is counted, Unix microseconds; 0: nothing yet.
        unread: events that the index of messages has not read yet, at most; its ids have gaps.
        unread_since_us: when the first of them was recorded; None if there is none.
    """

    total: Flowed
    until_us: int
    unread: int
    unread_since_us: int | None


def standing() -> Standing:
    """How far it goes now; four statements, each by a key."""
    row = FlowTotal.objects.filter(name=NAME).values_list("until", *COLUMNS).first()
    until, *figures = row or (0, *(0 for _ in COLUMNS))
    indexed = indexed_up_to()
    first = TraceEvent.objects.filter(pk__gt=indexed).order_by("pk").values_list("at").first()
    last = TraceEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return Standing(
        total=Flowed.of(figures),
        until_us=int(until),
        unread=max(0, last - indexed),
        unread_since_us=None if first is None else int(first[0]),
    )


def indexed_up_to() -> int:
    """The last event that the index of messages has read; 0 if it has read none."""
    found = Cursor.objects.order_by("event_id").values_list("event_id", flat=True).first()
    return int(found or 0)
