"""The dashboard's mail flow: figures and charts of an hour, a day, a week or a month.

They are what `trace.flow` has counted, so they are as old as `until` says. Figures of a day and the
day before it are read together: one statement, however many domains somebody sees.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from apps.console import attention
from apps.console.attention import Item, Kept
from apps.console.dearcounts import DearCounts
from apps.directory.permissions import Ability, Powers
from apps.mailqueue.queries import DestinationRow
from apps.mime.headers import printable
from apps.provisioning.figures import scopes
from apps.runtime.clock import now_us
from apps.trace import flow
from apps.trace.flow import MICROSECONDS, Flowed

NAMES: Final = ("Wanted", "Sent", "Spam", "Turned away")


@dataclass(frozen=True, slots=True)
class Period:
    """A time that is looked at, up to now.

    Args:
        key: in the address; `name` and `words` for people.
        step: seconds of a bar, `steps` how many there are, every `every`th with its time below.
        form: how a bar's time is written, as `strftime` takes it.
    """

    key: str
    name: str
    words: str
    step: int
    steps: int
    every: int
    form: str

    @property
    def sparsely(self) -> int:
        """`every`, where there is half the room."""
        return 2 * self.every


PERIODS: Final = (
    Period("1h", "1 h", "the last hour", 120, 30, 5, "%H:%M"),
    Period("24h", "24 h", "the last 24 hours", 3_600, 24, 3, "%H:%M"),
    Period("7d", "7 d", "the last 7 days", 21_600, 28, 4, "%-d %b %H:%M"),
    Period("30d", "30 d", "the last 30 days", 86_400, 30, 5, "%-d %b"),
)
USUAL: Final = PERIODS[1]


@dataclass(frozen=True, slots=True)
class Stat:
    """A figure with its course; `series` is its colour."""

    name: str
    icon: str
    value: str
    note: str
    course: tuple[float, ...]
    series: int
    url: str
    label: str = ""  # of its picture, for who does not see it


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table that says what the charts draw."""

    label: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Stacked bars: a list of values for each of `names`."""

    data: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    totals: tuple[tuple[str, str, int], ...]  # name, sum, colour
    top: int


@dataclass(frozen=True, slots=True)
class Times:
    """How long mail takes to an inbox: half of it, and all but a twentieth."""

    half: str
    most: str
    data: tuple[tuple[float | None, ...], ...]
    top: float
    unit: str


@dataclass(frozen=True, slots=True)
class Waits:
    """What waits for a destination; `is_shut` if it does not answer."""

    place: str
    words: str
    is_shut: bool
    url: str


@dataclass(frozen=True, slots=True)
class MailFlow:
    """All that the dashboard tells of mail.

    Args:
        told, times_told: what the pictures show, in a sentence.
        unit: of what the figures are, in a sentence.
        until: what happened before is counted; None if nothing is yet.
        kept: in quarantine; None for who does not look into it.
        destinations: where most mail waits to go; for operators.
    """

    period: Period
    unit: str
    until: datetime | None
    stats: tuple[Stat, ...]
    labels: tuple[str, ...]
    bars: Bars
    told: str
    times: Times | None
    times_told: str
    lines: tuple[Line, ...]
    is_empty: bool
    kept: Kept | None
    destinations: tuple[Waits, ...]
    items: tuple[Item, ...]


_OF_MESSAGES: Final = (
    "Messages: each counts once, by what became of the recipient who needs most looking at."
)
_OF_RECIPIENTS: Final = (
    "Recipients: a message to three of them counts three times, by what became of each."
    " Received is for your domains; sent is what goes to other servers."
)

counts: Final = DearCounts[MailFlow]()


def period(key: str) -> Period:
    """The one that an address names; the usual one for anything else."""
    return next((one for one in PERIODS if one.key == key), USUAL)


def mail_flow(powers: Powers, wanted: Period) -> MailFlow | None:
    """What somebody is told of mail; None while it is counted for the first time, and for who is
    told nothing of it."""
    if not powers.may(Ability.TRACE_MAIL):
        return None
    sight = () if powers.is_operator else powers.grants
    return counts.get((sight, wanted.key), lambda: _found(powers, wanted))


def _found(powers: Powers, wanted: Period) -> MailFlow:
    length = wanted.step * MICROSECONDS
    end = now_us() // length * length + length
    since = end - 2 * length * wanted.steps
    both = flow.course(scopes(powers), since_us=since, step=wanted.step, steps=2 * wanted.steps)
    before, course = both[: wanted.steps], both[wanted.steps :]
    begins = [since + length * place for place in range(wanted.steps, 2 * wanted.steps)]
    labels = tuple(_at(at).strftime(wanted.form) for at in begins)
    total, old = sum(course, Flowed()), sum(before, Flowed())
    bars, times, until = _bars(course), _times(total, course), flow.counted_until()
    kept = attention.quarantine(powers)
    waiting = attention.destinations(powers)
    return MailFlow(
        period=wanted,
        unit=_OF_MESSAGES if powers.is_operator else _OF_RECIPIENTS,
        until=_at(until) if until else None,
        stats=tuple(
            replace(one, label=f"{one.name}, {wanted.words}")
            for one in _stats(total, old, course, wanted)
        ),
        labels=labels,
        bars=bars,
        told=f"Mail flow, {wanted.words}: "
        + ", ".join(f"{name} {number}" for name, number, _ in bars.totals),
        times=times,
        times_told=""
        if times is None
        else f"Time to inbox, {wanted.words}: half within {times.half}, 95% within {times.most}",
        lines=tuple(_line(label, one) for label, one in zip(labels, course, strict=True)),
        is_empty=total == Flowed(),
        kept=kept,
        destinations=tuple(map(_waits, waiting)),
        items=tuple(attention.items(powers, waiting, kept)),
    )


def _at(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC)


def _line(label: str, one: Flowed) -> Line:
    numbers = (one.received, one.sent, one.junk, one.quarantined, one.refused, one.put_off)
    times = (spell(one.within(0.5)), spell(one.within(0.95)))
    return Line(label, (*(f"{number:,}" for number in numbers), *times))


def _waits(row: DestinationRow) -> Waits:
    words = f"{row.waiting:,} wait{'s' if row.waiting == 1 else ''}"
    words += f", {row.held:,} held" if row.held else ""
    place = attention.place(row.name)
    url = attention.address("console-queue", destination=place)
    is_shut = bool(row.closed_until_us or row.failures)
    return Waits(printable(place), words, is_shut, url)


def turned_away(one: Flowed) -> int:
    """What was not taken, for good or for now."""
    return one.refused + one.put_off


def _stats(
    total: Flowed, old: Flowed, course: Sequence[Flowed], wanted: Period
) -> tuple[Stat, ...]:
    return (
        Stat(
            "Received",
            "inbox",
            f"{total.received:,}",
            _change(total.received, old.received, wanted),
            tuple(one.received for one in course),
            1,
            attention.address("console-trace"),
        ),
        Stat(
            "Sent",
            "send",
            f"{total.sent:,}",
            f"{total.bounced:,} came back, {total.deferred:,} wait for another try",
            tuple(one.sent for one in course),
            3,
            attention.address("console-trace", direction="outgoing"),
        ),
        Stat(
            "Spam",
            "shield-alert",
            f"{_percent(total.spam, total.received):.1f}%",
            f"{total.junk:,} in Junk, {total.quarantined:,} in quarantine",
            tuple(_percent(one.spam, one.received) for one in course),
            2,
            attention.address("console-trace", outcome="junk"),
        ),
        Stat(
            "Turned away",
            "ban",
            f"{turned_away(total):,}",
            f"{total.refused:,} refused, {total.put_off:,} put off"
            + (f", {total.viruses:,} with a virus" if total.viruses else ""),
            tuple(turned_away(one) for one in course),
            4,
            attention.address("console-trace", outcome="refused"),
        ),
    )


def _percent(part: int, all_: int) -> float:
    return 100.0 * part / all_ if all_ else 0.0


def _change(now: int, before: int, wanted: Period) -> str:
    same = f"{wanted.name.replace(' h', ' hours').replace(' d', ' days')} before"
    same = "hour before" if wanted.step * wanted.steps == flow.HOUR else same
    if not before:
        return f"None in the {same}"
    change = round(100 * (now - before) / before)
    if not change:
        return f"As many as in the {same}"
    return f"{abs(change):,}% {'more' if change > 0 else 'less'} than in the {same}"


def _bars(course: Sequence[Flowed]) -> Bars:
    data = (
        tuple(max(0, one.received - one.spam) for one in course),
        tuple(one.sent for one in course),
        tuple(one.spam for one in course),
        tuple(turned_away(one) for one in course),
    )
    highest = max((sum(bar) for bar in zip(*data, strict=True)), default=0)
    colours = (1, 3, 2, 4)
    sums = tuple(
        (name, f"{sum(values):,}", colour)
        for name, values, colour in zip(NAMES, data, colours, strict=True)
    )
    return Bars(data, NAMES, sums, int(_ceiling(max(4, highest))))


def _times(total: Flowed, course: Sequence[Flowed]) -> Times | None:
    if not total.arrived:
        return None
    most = tuple(one.within(0.95) for one in course)
    half = tuple(one.within(0.5) for one in course)
    highest = max(value for value in most if value is not None)
    factor, unit = next(
        (scale, unit)
        for scale, unit in ((3_600, " h"), (60, " min"), (1, " s"))
        if highest >= 2 * scale or scale == 1
    )
    data = tuple(
        tuple(None if value is None else value / factor for value in line) for line in (most, half)
    )
    top = _ceiling(highest / factor)
    return Times(spell(total.within(0.5)), spell(total.within(0.95)), data, top, unit)


def _ceiling(value: float) -> float:
    """A round number that is not below, a fourth of which is round as well."""
    step = 0.04
    while True:
        for part in (1, 2, 3, 5):
            if value <= step * part:
                return round(step * part, 2)
        step *= 10


def spell(seconds: float | None) -> str:
    """A time that mail took, for people."""
    if seconds is None:
        return "—"
    if seconds >= flow.BOUNDS[-1]:
        return "over 2 h"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"
