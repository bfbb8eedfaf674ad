"""Where mail waits to go, as the console shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.console.queue.waiting import Wanted
from apps.console.queue.words import Said, moment, place, said, since
from apps.directory.permissions import Powers
from apps.mailqueue import queries
from apps.mailqueue.queries import DestinationRow, Pause
from apps.provisioning.administration import queue as doors
from apps.runtime.clock import now_us

SHOWN: Final = 8  # destinations; `ALL` where somebody asks for them
ALL: Final = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A destination.

    Args:
        key: as the queue names it; `name` as people do.
        next: when it is tried next; None is now.
        link: the list of what waits there.
        kind, state: open, busy, closed until a time, or paused; `until` and `by` of that.
    """

    key: str
    name: str
    waiting: int
    held: int
    under_way: int
    oldest: str
    why: Said
    next: datetime | None
    link: str
    kind: str
    state: str
    until: datetime | None
    by: str

    @property
    def is_paused(self) -> bool:
        return self.state == "Paused"


def places(powers: Powers, limit: int) -> list[Place]:
    """Destinations with mail in sight that waits or is held, most of it first; one more than
    `limit` tells that there are others. Of other tenants' mail nothing is counted."""
    rows = doors.destinations(powers, limit + 1)
    now = now_us()
    return [_place(powers, row, now) for row in rows]


def paused(powers: Powers) -> tuple[datetime | None, str] | None:
    """Since when all sending is paused and, for operators, who said so; None if it is not."""
    found: Pause | None = queries.paused_everywhere()
    if found is None:
        return None
    return moment(found.paused_at_us), found.paused_by if powers.is_operator else ""


def _place(powers: Powers, row: DestinationRow, now: int) -> Place:
    kind, state, until = _state(row)
    return Place(
        key=row.name,
        name=place(row.name),
        waiting=row.waiting,
        held=row.held,
        under_way=row.under_way,
        oldest=since(row.oldest_us, now) if row.oldest_us else "",
        why=said(row.last_reply),
        next=moment(row.next_us) if row.next_us > now else None,
        link=Wanted(destination=row.name).link(),
        kind=kind,
        state=state,
        until=until,
        by=row.paused_by if powers.is_operator else "",
    )


def _state(row: DestinationRow) -> tuple[str, str, datetime | None]:
    if row.paused_at_us:
        return "warn", "Paused", None
    if row.closed_until_us:
        return "bad", "No answer", moment(row.closed_until_us)
    return ("info", "Sending", None) if row.under_way else ("ok", "Open", None)
