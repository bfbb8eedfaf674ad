"""Webhooks and deliveries, as the pages show them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from apps.console import paging
from apps.console.filters import Filter, choice
from apps.console.paging import Page
from apps.directory.permissions import Powers
from apps.runtime.clock import now_us
from apps.runtime.keyset import Column, Order
from apps.webhooks import queries, sending
from apps.webhooks.models import Delivery, Endpoint, State

_ORDER: Final = Order(Column("pk"))
_NEWEST: Final = Order(Column("pk", falls=True))
_SHOWN: Final = 3  # types that a line names
STATES: Final = {
    State.DELIVERED: ("ok", "Delivered"),
    State.PENDING: ("warn", "Waits"),
    State.FAILED: ("bad", "Given up"),
}


@dataclass(frozen=True, slots=True)
class Wanted(Filter):
    """What is asked for of deliveries."""

    state: str = field(default="", metadata=choice(State.values))


@dataclass(frozen=True, slots=True)
class Line:
    """A webhook.

    Args:
        standing: kind and words of its badge.
        types: those it gets, in words.
    """

    row: Endpoint
    where: str
    types: list[str]
    kinds: str
    standing: tuple[str, str]
    succeeded_at: datetime | None
    failing_since: datetime | None
    closed_until: datetime | None


@dataclass(frozen=True, slots=True)
class Sending:
    """A delivery."""

    row: Delivery
    standing: tuple[str, str]
    at: datetime | None
    next_at: datetime | None
    tried_at: datetime | None


def page(powers: Powers, wanted: Filter) -> Page[Line]:
    """Those in sight; one statement."""
    return paging.page(queries.endpoints(powers), _ORDER, wanted, _lines)


def _lines(rows: Sequence[Endpoint]) -> list[Line]:
    return [line_of(row) for row in rows]


def line_of(row: Endpoint) -> Line:
    """One as it is shown."""
    types = json.loads(row.types)
    place = row.domain or row.organization
    more = f" and {len(types) - _SHOWN} more" if len(types) > _SHOWN else ""
    return Line(
        row,
        "Everywhere" if place is None else place.name,
        types,
        ", ".join(types[:_SHOWN]) + more if types else "all events",
        _standing(row),
        _time(row.succeeded_at),
        _time(row.failing_since),
        _time(row.closed_until if row.closed_until > now_us() else None),
    )


def _standing(row: Endpoint) -> tuple[str, str]:
    if not row.is_enabled:
        return ("bad", "Stopped") if row.stopped else ("neutral", "Off")
    if row.failing_since is not None:
        return "warn", "Failing"
    return ("ok", "Works") if row.succeeded_at is not None else ("neutral", "Nothing sent yet")


def deliveries(row: Endpoint, wanted: Wanted) -> Page[Sending]:
    """What went there, the newest first; one statement."""
    found = queries.deliveries(row)
    if wanted.state:
        found = found.filter(state=wanted.state)
    return paging.page(found, _NEWEST, wanted, lambda rows: [sending_of(one) for one in rows])


def sending_of(row: Delivery) -> Sending:
    """One as it is shown."""
    is_pending = row.state == State.PENDING
    return Sending(
        row,
        STATES[State(row.state)],
        _time(row.event.at),
        _time(row.due_at) if is_pending else None,
        _time(row.tried_at),
    )


def attempts(row: Delivery) -> list[dict[str, Any]]:
    """The last attempts, the newest first."""
    return [{**one, "at": _time(one["at_us"])} for one in json.loads(row.log)]


def payload(row: Delivery) -> str:
    """What is posted, as people read it."""
    return json.dumps(sending.payload(row.event), indent=2, ensure_ascii=False)


def _time(at_us: int | None) -> datetime | None:
    return None if at_us is None else datetime.fromtimestamp(at_us / 1_000_000, UTC)
