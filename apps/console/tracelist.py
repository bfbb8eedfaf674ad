"""The list of message trace: what it is asked for, and its lines."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Final
from uuid import UUID

from django.utils import timezone

from apps.console.filters import PeriodFilter, choice, words
from apps.console.paging import Page, next_link
from apps.delivery.recorder import find
from apps.delivery.recorder.find import Place, Question
from apps.delivery.recorder.journey import viewer_of
from apps.directory.permissions import Powers
from apps.runtime.keyset import Column, Order
from apps.runtime.ulid import ulid_text
from apps.trace.models import Direction, Outcome
from apps.trace.passages import Row

LAST: Final = (
    ("1h", "Last hour", timedelta(hours=1)),
    ("24h", "Last 24 hours", timedelta(days=1)),
    ("7d", "Last 7 days", timedelta(days=7)),
    ("30d", "Last 30 days", timedelta(days=30)),
    ("90d", "Last 90 days", timedelta(days=90)),
)
ROLES: Final = (("sender", "From it"), ("recipient", "To it"))
LOOKS: Final = {
    Outcome.WAITING: ("info", "Waiting"),
    Outcome.DEFERRED: ("warn", "Deferred"),
    Outcome.HELD: ("warn", "Held"),
    Outcome.QUARANTINED: ("warn", "Quarantined"),
    Outcome.DELIVERED: ("ok", "Delivered"),
    Outcome.JUNK: ("info", "To Junk"),
    Outcome.PUT_OFF: ("warn", "Put off"),
    Outcome.REFUSED: ("bad", "Refused"),
    Outcome.BOUNCED: ("bad", "Bounced"),
    Outcome.CANCELLED: ("neutral", "Cancelled"),
    Outcome.DELETED: ("neutral", "Deleted"),
}
EXPORTED: Final = 100_000  # messages of a file
EXPORT_PAGE: Final = 500
_SPANS: Final = {value: span for value, _, span in LAST}
# As a cursor: the last message of a page; where a search has ended, the moment.
_ORDER: Final = Order(Column("at_us", falls=True), Column("trace_id", UUID, falls=True))
_NUMBER_MOST: Final = 8  # characters


@dataclass(frozen=True, slots=True)
class Wanted(PeriodFilter):
    """What is asked for.

    Args:
        text: what stands in the box (`apps.delivery.recorder.find`).
        last: one of LAST; `since` and `until` narrow it further.
        role: of the addresses that are searched for.
        peer: name of the other server, or what names end with.
        least, most: points of the filter.
    """

    last: str = field(default="", metadata=choice(_SPANS))
    direction: str = field(default="", metadata=choice(Direction.values))
    outcome: str = field(default="", metadata=choice(Outcome.values))
    role: str = field(default="", metadata=choice([value for value, _ in ROLES]))
    peer: str = field(default="", metadata=words(253))
    least: str = field(default="", metadata=words(_NUMBER_MOST))
    most: str = field(default="", metadata=words(_NUMBER_MOST))

    @property
    def problems(self) -> dict[str, str]:
        """What of it is no day or no number, by the name of the field."""
        wrong = dict(self.errors)
        for name in ("least", "most"):
            if getattr(self, name) and _points(getattr(self, name)) is None:
                wrong[name] = "A number of points, such as 5 or -2.5."
        return wrong

    @property
    def question(self) -> Question:
        """As the index is asked."""
        since, until = self.period
        span = _SPANS.get(self.last)
        begins = [one for one in (since, timezone.now() - span if span else None) if one]
        return Question(
            text=self.text,
            since_us=_us(max(begins)) if begins else None,
            until_us=_us(until) - 1 if until else None,
            direction=self.direction,
            outcome=self.outcome,
            role=self.role,
            peer=self.peer,
            least=_points(self.least),
            most=_points(self.most),
        )

    @property
    def place(self) -> Place | None:
        """Where the page begins; None for the first, and for what is no cursor."""
        values = _ORDER.values(self.after)
        if values is None:
            return None
        at_us, trace_id = values["at_us"], values["trace_id"]
        assert isinstance(at_us, int)
        assert isinstance(trace_id, UUID)
        return Place(at_us, trace_id)


@dataclass(frozen=True, slots=True)
class Line:
    """A message. `others` is how many more recipients there are."""

    trace_id: UUID
    at: datetime
    sender: str
    recipient: str
    others: int
    subject: str
    look: str
    word: str
    cause: str
    took: str


@dataclass(frozen=True, slots=True)
class Traces(Page[Line]):
    """Some messages.

    Args:
        looked_to: how far back the search has come, if it has not seen everything.
        further_link: where it goes on.
        seen_to: what happened later is not in the index yet; None if all is.
        milliseconds: that the search took.
    """

    looked_to: datetime | None = None
    further_link: str = ""
    seen_to: datetime | None = None
    milliseconds: int = 0


def traces(powers: Powers, wanted: Wanted) -> Traces:
    """A page of messages; none if what is asked for is wrong."""
    if wanted.problems:
        return Traces([])
    standing = find.catch_up()
    began = perf_counter()
    found = find.find(wanted.question, viewer_of(powers), after=wanted.place)
    took = perf_counter() - began
    further = next_link(wanted, _cursor(found.looked_to))
    return Traces(
        [line_of(row) for row in found.rows],
        first_link=wanted.link() if wanted.place else "",
        next_link=next_link(wanted, _cursor(found.following)),
        nouns=("message", "messages"),
        looked_to=_time(found.looked_to.at_us) if found.looked_to else None,
        further_link=further,
        seen_to=_time(standing.seen_to_us) if standing.is_behind else None,
        milliseconds=max(1, round(took * 1_000)),
    )


def exported(powers: Powers, asked: dict[str, str]) -> Iterator[list[object]]:
    """All that fits, newest first, a page at a time."""
    wanted = Wanted.of(asked)
    if wanted.problems:
        return
    find.catch_up()
    question, viewer, left = wanted.question, viewer_of(powers), EXPORTED
    after: Place | None = None
    while left > 0:
        found = find.find(question, viewer, after=after, most=min(left, EXPORT_PAGE))
        yield from map(_cells, found.rows)
        left -= len(found.rows)
        after = found.following or found.looked_to
        if after is None:
            return


def line_of(row: Row) -> Line:
    """A message as the list shows it."""
    look, word = LOOKS.get(Outcome(row.outcome), ("neutral", row.outcome))
    return Line(
        trace_id=row.trace_id,
        at=_time(row.at_us),
        sender=row.sender,
        recipient=row.recipient,
        others=max(0, row.recipients - 1),
        subject=row.subject,
        look=look,
        word=word,
        cause=row.cause,
        took=_span(row.took_us),
    )


def _cells(row: Row) -> list[object]:
    return [
        f"{_time(row.at_us):%Y-%m-%dT%H:%M:%SZ}",
        *(ulid_text(row.trace_id), row.direction, row.sender, row.recipient, row.recipients),
        *(row.subject, row.outcome, row.cause, row.peer),
        *("" if row.points is None else f"{row.points:.1f}", _span(row.took_us)),
    ]


def _cursor(place: Place | None) -> str:
    return "" if place is None else _ORDER.cursor(place)


def _span(took_us: int | None) -> str:
    """How long it took, in the greatest unit that fits; "" while it is not over."""
    if took_us is None:
        return ""
    seconds = took_us / 1_000_000
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size * 2:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"


def _points(text: str) -> float | None:
    """A number of points as people write it; None for what is none."""
    plain = text.replace(",", ".")
    digits = plain.removeprefix("-").replace(".", "", 1)
    return float(plain) if digits.isascii() and digits.isdigit() else None


def _time(at_us: int) -> datetime:
    """A moment that a calendar has, whatever was recorded."""
    return datetime.fromtimestamp(min(max(at_us, 0), 253_402_300_799_000_000) / 1_000_000, UTC)


def _us(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
