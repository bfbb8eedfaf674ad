"""Events: the only door through which they are written, each with its deliveries."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.events import bus
from apps.events.types import HooksGathered
from apps.runtime.clock import now_us
from apps.webhooks import kinds
from apps.webhooks.happened import Happened
from apps.webhooks.models import Cursor, Delivery, Endpoint, Event


def add(*, source: str, before: int, place: int, found: Sequence[Happened]) -> int | None:
    """Write what a source has read, and how far that was.

    Args:
        before: where the source was read from.

    Returns:
        How many events that made; None if somebody has moved the cursor meanwhile.
    """
    with transaction.atomic():
        if stand_in_line().get(source) != before:
            return None
        events = _written(_new(found))
        send_out(events)
        Cursor.objects.filter(pk=source).update(place=place)
        if events:
            bus.publish_on_commit(HooksGathered())
    return len(events)


def stand_in_line() -> dict[str, int]:
    """Lock all cursors in the order of their names until the transaction ends, and say where they
    are. Whoever writes events does: so their numbers rise in the order in which they can be
    seen."""
    rows = Cursor.objects.select_for_update().order_by("pk")
    return dict(rows.values_list("pk", "place"))


def _new(found: Sequence[Happened]) -> Sequence[Happened]:
    """Without what was read before."""
    origins = [one.origin for one in found if one.origin]
    if not origins:
        return found
    known = set(Event.objects.filter(origin__in=origins).values_list("origin", flat=True))
    return [one for one in found if one.origin not in known]


def _written(found: Sequence[Happened]) -> list[Event]:
    now = now_us()
    rows = [
        Event(
            at=one.at_us,
            gathered_at=now,
            type=one.kind,
            organization_id=one.organization_id,
            domain_id=one.domain_id,
            data=json.dumps(one.data),
            origin=one.origin,
        )
        for one in found
    ]
    return Event.objects.bulk_create(rows) if rows else []


@dataclass(frozen=True, slots=True)
class _Ear:
    """What an endpoint hears of.

    Args:
        organization_id, domain_id: where it belongs; neither is everywhere.
    """

    id: int
    organization_id: int | None
    domain_id: int | None
    wanted: frozenset[str]

    def hears(self, event: Event) -> bool:
        if not kinds.fits(self.wanted, event.type):
            return False
        if self.domain_id is not None:
            return self.domain_id == event.domain_id
        return self.organization_id in (None, event.organization_id)


def send_out(events: Sequence[Event]) -> None:
    """Each event to the endpoints that want it."""
    if not events:
        return
    now = now_us()
    ears = _ears()
    pairs = ((ear, event) for event in events for ear in ears if ear.hears(event))
    rows = [Delivery(endpoint_id=ear.id, event=event, due_at=now) for ear, event in pairs]
    Delivery.objects.bulk_create(rows, batch_size=1_000)


def _ears() -> Iterable[_Ear]:
    rows: Any = Endpoint.objects.filter(is_enabled=True).order_by("pk")
    columns = rows.values_list("pk", "organization_id", "domain_id", "types")
    return [_Ear(pk, org, dom, frozenset(json.loads(types))) for pk, org, dom, types in columns]
