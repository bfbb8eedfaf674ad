"""Reads of the flight recorder."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.trace.models import TraceEvent


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event as it was recorded; `at_us` in Unix microseconds."""

    at_us: int
    kind: str
    data: dict[str, Any]


def events_of(trace_id: UUID, limit: int = 1_000) -> list[Recorded]:
    """The first `limit` events of one message in the order they happened; one query."""
    rows = TraceEvent.objects.filter(trace_id=trace_id).order_by("id")[:limit]
    return [
        Recorded(at, kind, json.loads(data))
        for at, kind, data in rows.values_list("at", "kind", "data")
    ]
