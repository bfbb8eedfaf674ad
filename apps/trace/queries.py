"""Reads of the flight recorder: the story of a message, and which message somebody means."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from django.db import connection
from django.db.models import Q

from apps.runtime.clock import now_us
from apps.runtime.rows import Values, fetch
from apps.trace.models import Sent, TraceEvent

# What the kind of the event ends with that begins the story of a message.
RECEIVED = ".received"  # an accepted one
REFUSED = ".refused"  # one that was not, or not for all
ALSO = "also"  # in the data of an event: what happened with it, by kinds
_DAY_US = 86_400 * 1_000_000

# The condition of the partial index `sent_envelope`, word for word, or SQLite does not use it.
_BY_ENVELOPE = """
SELECT trace_id, user_id FROM trace_sent
WHERE envelope_id = %s AND NOT (envelope_id = '') ORDER BY at LIMIT %s"""

_MESSAGES = Values("wanted", "message_id text")
_SENDERS = """
SELECT s.message_id, s.user_id FROM {wanted}
JOIN trace_sent s ON s.message_id = wanted.message_id"""

_SENT_BY = """
SELECT s.message_id, s.trace_id FROM {wanted}
JOIN trace_sent s ON s.message_id = wanted.message_id WHERE s.user_id = %s ORDER BY s.at"""
_TRACES = Values("wanted", "trace_id uuid")
_EVENTS = """
SELECT trace_id, at, kind, data FROM (
  SELECT e.trace_id, e.id, e.at, e.kind, e.data,
    row_number() OVER (PARTITION BY e.trace_id ORDER BY e.id) AS place
  FROM {wanted} JOIN trace_traceevent e ON e.trace_id = wanted.trace_id) AS numbered
WHERE place <= %s ORDER BY id"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event as it was recorded; `at_us` in Unix microseconds."""

    at_us: int
    kind: str
    data: dict[str, Any]


Owed: TypeAlias = Callable[[Sequence[UUID]], list[tuple[UUID, int, str, str]]]
_owed: list[Owed] = []


def owed_by(who: Owed) -> None:
    """Say who keeps events for a while before they are recorded here: of some traces it gives the
    trace, Unix microseconds, kind and data (JSON) of each. A floor above says so when it begins."""
    if who not in _owed:
        _owed.append(who)


def _add_owed(found: dict[UUID, list[Recorded]]) -> None:
    """Add what is not recorded yet to traces that do not have it: nothing has followed it."""
    short = [one for one, rows in found.items() if not any(_is_coming(row) for row in rows)]
    for who in _owed:
        for trace_id, at_us, kind, data in who(short) if short else ():
            found[trace_id].extend(recorded(at_us, kind, data))


def _is_coming(row: Recorded) -> bool:
    return row.kind.endswith(RECEIVED)


def events_of(trace_id: UUID, limit: int = 1_000) -> list[Recorded]:
    """The events in the first `limit` rows of one message in the order they happened; one query,
    and one more of what is not recorded yet."""
    rows = TraceEvent.objects.filter(trace_id=trace_id).order_by("id")[:limit]
    events = [one for row in rows.values_list("at", "kind", "data") for one in recorded(*row)]
    found = {trace_id: events}
    _add_owed(found)
    return found[trace_id]


def recorded(at_us: int, kind: str, text: str) -> list[Recorded]:
    """The events of a row."""
    data = json.loads(text)
    also = data.pop(ALSO, None) if isinstance(data, dict) else None
    more = also.items() if isinstance(also, dict) else ()
    return [Recorded(at_us, kind, data), *(Recorded(at_us, one, told) for one, told in more)]


def sent_as(message_id: str, *, limit: int = 100) -> list[tuple[UUID, int]]:
    """(trace, user) of the messages that users of ours sent with this Message-ID, oldest first."""
    rows = Sent.objects.filter(message_id=message_id).order_by("at")
    return list(rows.values_list("trace_id", "user_id")[:limit])


def senders_of(message_ids: Sequence[str]) -> dict[str, set[int]]:
    """Which users of ours sent messages with these Message-IDs; one statement.

    Args:
        message_ids: as a stranger may write them; none of ours has what no text column takes.
    """
    wanted = sorted({one for one in message_ids if "\0" not in one and _is_text(one)})
    if not wanted:
        return {}
    rows = fetch(
        _SENDERS.format(wanted=_MESSAGES.sql), Values.parameters([(one,) for one in wanted])
    )
    found: dict[str, set[int]] = {}
    for message_id, user in rows:
        found.setdefault(message_id, set()).add(user)
    return found


def sent_by(user_id: int, message_ids: Sequence[str]) -> dict[str, UUID]:
    """The trace of the last message that a user sent with each of these Message-IDs; one statement.

    Args:
        message_ids: as for `senders_of`.
    """
    wanted = sorted({one for one in message_ids if one and "\0" not in one and _is_text(one)})
    if not wanted:
        return {}
    rows = fetch(
        _SENT_BY.format(wanted=_MESSAGES.sql),
        [*Values.parameters([(one,) for one in wanted]), user_id],
    )
    return {message_id: _uuid(trace) for message_id, trace in rows}


def events_of_many(trace_ids: Sequence[UUID], limit: int) -> dict[UUID, list[Recorded]]:
    """The events in the first `limit` rows of each of these messages in the order they happened;
    one statement, and one of what is not recorded yet."""
    if not trace_ids:
        return {}
    rows = fetch(
        _EVENTS.format(wanted=_TRACES.sql),
        [*Values.parameters([(one.hex,) for one in trace_ids]), limit],
    )
    found: dict[UUID, list[Recorded]] = {one: [] for one in trace_ids}
    for trace, at, kind, data in rows:
        found[_uuid(trace)].extend(recorded(at, kind, data))
    _add_owed(found)
    return {one: events for one, events in found.items() if events}


def stories(trace_ids: Sequence[UUID], *, few: int, most: int) -> dict[UUID, list[Recorded]]:
    """The same, for many messages of which a few have many recipients; one statement or two.

    Args:
        few: events that most messages do not reach; of those that do, `most` are read.
    """
    found = events_of_many(trace_ids, few)
    long = [trace_id for trace_id, events in found.items() if len(events) >= few]
    return found | events_of_many(long, most)


def _uuid(value: Any) -> UUID:
    """SQLite gives their hexadecimal digits."""
    return value if isinstance(value, UUID) else UUID(value)


def _is_text(text: str) -> bool:
    """Whether it has no half of a surrogate pair alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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
    """A message that an address took part in: when it came, from whom, for whom; whether it was
    refused."""

    trace_id: UUID
    at_us: int
    sender: str
    recipients: tuple[str, ...]
    is_refused: bool = False


def with_address(address: str, *, days: int, limit: int) -> list[Found]:
    """The newest messages from or to an address, newest first.

    Reads every event of these days: a question of an administrator, not of a page.
    """
    # As `services.record` writes it: JSON text in ASCII. The pattern only picks candidates.
    written = json.dumps(address)[1:-1]
    begins = Q(kind__endswith=RECEIVED) | Q(kind__endswith=REFUSED)
    rows = TraceEvent.objects.filter(
        begins, at__gte=now_us() - days * _DAY_US, data__icontains=written
    ).order_by("-at")
    found: dict[UUID, Found] = {}
    columns = rows.values_list("trace_id", "at", "kind", "data")
    for trace_id, at, kind, data in columns.iterator(chunk_size=500):
        one = _found(trace_id, at, json.loads(data), is_refused=kind.endswith(REFUSED))
        is_about = address.casefold() in map(str.casefold, (one.sender, *one.recipients))
        # Refused for some recipients and taken for others: it is one message, and was taken.
        if is_about and (trace_id not in found or not one.is_refused):
            found[trace_id] = one
        if len(found) == limit:
            break
    return list(found.values())


def _found(trace_id: UUID, at_us: int, data: dict[str, Any], *, is_refused: bool) -> Found:
    recipients = tuple(map(str, data.get("to", ())))
    return Found(trace_id, at_us, str(data.get("from", "")), recipients, is_refused)


def count_of(trace_id: UUID, kind: str) -> int:
    """How many events of a kind a message has; for bounds."""
    return TraceEvent.objects.filter(trace_id=trace_id, kind=kind).count()
