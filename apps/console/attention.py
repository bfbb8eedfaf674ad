"""What somebody should act on in mail flow: destinations that answer nothing, senders turned away
for one cause, mail in quarantine that its readers probably want."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet
from django.urls import NoReverseMatch, reverse

from apps.directory import permissions
from apps.directory.permissions import Ability, Powers
from apps.mailqueue import queries as mailqueue
from apps.mailqueue.queries import DestinationRow
from apps.mime.headers import printable
from apps.runtime.clock import now_us
from apps.runtime.rows import fetch
from apps.scan.models import Quarantined, QuarantineState

DESTINATIONS: Final = 5  # that are shown, the fullest
MANY: Final = 50  # messages that are refused for one cause within CAUSES_SECONDS
CAUSES_SECONDS: Final = 3_600
_LOOKED_AT: Final = 2_000  # of the refused ones, the newest
_COUNTED: Final = 10_000  # beyond this nobody counts on
_CAUSES: Final = """
SELECT cause, COUNT(*) FROM (
  SELECT cause FROM trace_passage WHERE outcome = 'refused' AND at >= %s
  ORDER BY at DESC LIMIT %s) AS newest
GROUP BY cause ORDER BY 2 DESC, cause LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Item:
    """Something to act on; `kind` is bad, warn or info."""

    kind: str
    icon: str
    title: str
    words: str
    url: str
    act: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What is in quarantine; up to 10,000 are counted."""

    all: int = 0
    wanted: int = 0  # probably, by their readers
    dangerous: int = 0


def address(name: str, **query: str) -> str:
    """A page of the console with a question; "" if there is none of that name."""
    try:
        found = reverse(name)
    except NoReverseMatch:
        return ""
    return f"{found}?{urlencode(query)}" if query else found


def destinations(powers: Powers) -> list[DestinationRow]:
    """Where most mail waits to go; for who is no operator nowhere: it waits for all tenants."""
    return mailqueue.destinations(DESTINATIONS) if powers.is_operator else []


def quarantine(powers: Powers) -> Kept | None:
    """What is kept in sight of somebody; None for who does not look into it. One statement."""
    if not powers.may(Ability.RUN_QUARANTINE):
        return None
    rows: QuerySet[Any] = Quarantined.objects.filter(state=QuarantineState.KEPT)
    if not powers.is_operator:
        seen = permissions.domains(powers, Ability.RUN_QUARANTINE)
        rows = rows.filter(domain__in=seen.values("name"))
    newest = rows.order_by("-id")[:_COUNTED].values("id", "is_wanted", "reason")
    found = newest.aggregate(
        all=Count("id"),
        wanted=Count("id", filter=Q(is_wanted=True)),
        dangerous=Count("id", filter=Q(reason__in=["virus", "harmful"])),
    )
    return Kept(**found)


def items(powers: Powers, waiting: Sequence[DestinationRow], kept: Kept | None) -> Iterator[Item]:
    """What there is to act on now."""
    yield from _closed(waiting)
    if powers.is_operator:
        yield from _refused()
    if kept is not None and kept.wanted:
        title = f"Probably wanted, and in quarantine: {kept.wanted:,}"
        words = "Their readers know who wrote, or wrote to them before."
        url = address("console-quarantine", likely="yes")
        yield Item("warn", "shield-question-mark", title, words, url, "Look")


def _closed(waiting: Sequence[DestinationRow]) -> Iterator[Item]:
    for row in waiting:
        if row.closed_until_us or row.failures:
            since = f"since {_moment(row.oldest_us)}" if row.oldest_us else ""
            number = f"{row.waiting:,} recipient{'s' if row.waiting != 1 else ''} {since}".strip()
            words = f"{number}: {printable(row.last_reply)}" if row.last_reply else f"{number}."
            url = address("console-queue", destination=place(row.name))
            title = f"Mail to {printable(place(row.name))} waits"
            yield Item("warn", "clock-alert", title, words, url, "View")


def _refused() -> Iterator[Item]:
    since = now_us() - CAUSES_SECONDS * 1_000_000
    for cause, number in fetch(_CAUSES, [since, _LOOKED_AT]):
        if number >= MANY:
            more = "+" if number == _LOOKED_AT else ""
            title = f"{number:,}{more} messages refused within an hour for one cause"
            url = address("console-trace", outcome="refused")
            yield Item("info", "ban", title, printable(cause) or "Nothing says why.", url, "View")


def place(destination: str) -> str:
    """How people name a destination: `example.org` for `mx/example.org`."""
    return destination.removeprefix("mx/")


def _moment(at_us: int) -> str:
    at = datetime.fromtimestamp(at_us / 1_000_000, UTC)
    is_today = now_us() - at_us < 86_400_000_000
    return f"{at:%H:%M}" if is_today else f"{at:%-d %B, %H:%M}"
