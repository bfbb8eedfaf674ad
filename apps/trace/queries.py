"""Reads of the flight recorder: the story of a message, and which message somebody means."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from apps.runtime.clock import now_us
from apps.trace.models import Sent, TraceEvent

RECEIVED = ".received"  # what the kind of the event of an accepted message ends with
_DAY_US = 86_400 * 1_000_000

# The condition of the partial index `sent_envelope`, word for word, or SQLite does not use it.
_BY_ENVELOPE = """
SELECT trace_id, user_id FROM trace_sent
WHERE envelope_id = %s AND NOT (envelope_id = '') ORDER BY at LIMIT %s"""


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


def sent_as(message_id: str, *, limit: int = 100) -> list[tuple[UUID, int]]:
    """(trace, user) of the messages that users of ours sent with this Message-ID, oldest first."""
    rows = Sent.objects.filter(message_id=message_id).order_by("at")
    return list(rows.values_list("trace_id", "user_id")[:limit])


def sent_under(envelope_id: str, *, limit: int = 100) -> list[tuple[UUID, int]]:
    """The same for an ENVID, which only some senders give; an empty list for an empty one."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_ENVELOPE, [envelope_id, limit])
        return [
            (trace if isinstance(trace, UUID) else UUID(trace), user)
            for trace, user in cursor.fetchall()
        ]


@dataclass(frozen=True, slots=True)
class Found:
    """A message that an address took part in: when it came, from whom, for whom."""

    trace_id: UUID
    at_us: int
    sender: str
    recipients: tuple[str, ...]


def with_address(address: str, *, days: int, limit: int) -> list[Found]:
    """The newest messages from or to an address, newest first.

    Reads every event of these days: a question of an administrator, not of a page.
    """
    # As `services.record` writes it: JSON text in ASCII. The pattern only picks candidates.
    written = json.dumps(address)[1:-1]
    rows = TraceEvent.objects.filter(
        at__gte=now_us() - days * _DAY_US, kind__endswith=RECEIVED, data__icontains=written
    ).order_by("-at")
    found = []
    for trace_id, at, data in rows.values_list("trace_id", "at", "data").iterator(chunk_size=500):
        one = _found(trace_id, at, json.loads(data))
        if address.casefold() in {one.sender.casefold(), *map(str.casefold, one.recipients)}:
            found.append(one)
        if len(found) == limit:
            break
    return found


def _found(trace_id: UUID, at_us: int, data: dict[str, Any]) -> Found:
    return Found(trace_id, at_us, str(data.get("from", "")), tuple(map(str, data.get("to", ()))))


def count_of(trace_id: UUID, kind: str) -> int:
    """How many events of a kind a message has; for bounds."""
    return TraceEvent.objects.filter(trace_id=trace_id, kind=kind).count()
