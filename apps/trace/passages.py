"""Reads of the index of messages: those of some that fit, and who took part in them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from apps.runtime.clock import now_us
from apps.runtime.db import is_sqlite
from apps.runtime.rows import Values, among, among_texts, fetch, listed, listed_texts
from apps.trace.models import Cursor

EVENTS: Final = "events"  # the cursor's name
_WANTED = Values("wanted", "trace_id uuid")
_COLUMNS: Final = (
    "p.trace_id, p.at, p.direction, p.sender, p.recipient, p.recipients, p.subject, p.peer,"
    " p.points, p.outcome, p.cause, p.took"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A message as the index keeps it (`models.Passage`)."""

    trace_id: UUID
    at_us: int
    direction: str
    sender: str
    recipient: str
    recipients: int
    subject: str
    peer: str
    points: float | None
    outcome: str
    cause: str
    took_us: int | None


@dataclass(frozen=True, slots=True)
class Fitting:
    """What has to be true of a message; "" and None of anything.

    Args:
        since_us, until_us: the period, both ends within.
        before: of the messages of the last microsecond only those with a lesser id.
        has_several: also those that came to several recipients, whatever their outcome, points,
            direction and peer: for one of the recipients these may be others.
        peer: a server's name, or the end of one after a dot.
        points: from and to.
        user_id, homes: somebody of them took part.
        addresses, domains: one of them took part, in one of the roles.
        client, message_id: exactly.
    """

    since_us: int
    until_us: int
    before: UUID | None = None
    direction: str = ""
    outcome: str = ""
    has_several: bool = False
    peer: str = ""
    points: tuple[float, float] | None = None
    user_id: int | None = None
    homes: Collection[int] | None = None
    addresses: Sequence[str] = ()
    domains: Sequence[str] = ()
    roles: Sequence[str] = ("sender", "written", "final")
    client: str = ""
    message_id: str = ""


def fitting(traces: Sequence[UUID] | None, asked: Fitting, most: int) -> list[Row]:
    """Those of some messages, or of all of the period, that fit, newest first; one statement."""
    if traces is not None and not traces:
        return []
    last = asked.before.hex if asked.before is not None else "f" * 32
    low, high = asked.points or (0.0, 0.0)
    several = int(asked.has_several)
    peer = asked.peer.translate(_LIKE)
    parameters = [
        *(Values.parameters([(one.hex,) for one in traces]) if traces else ()),
        *(asked.since_us, asked.until_us, asked.until_us, last, int(asked.before is None)),
        *(asked.direction, asked.direction, several),
        *(asked.outcome, asked.outcome, several),
        *(asked.peer, asked.peer, f"%.{peer}", several),
        *(int(asked.points is None), low, high, several),
        *(int(asked.user_id is None), asked.user_id or 0),
        *(int(asked.homes is None), listed(sorted(asked.homes or ()))),
        *(int(not asked.addresses), listed_texts(asked.addresses), listed_texts(asked.roles)),
        *(int(not asked.domains), listed_texts(asked.domains), listed_texts(asked.roles)),
        *(asked.client, asked.client, asked.message_id, asked.message_id, most),
    ]
    source = f"{_WANTED.sql} {_join()} trace_passage p ON p.trace_id = wanted.trace_id"
    sql = _fitting(source if traces else "trace_passage p")
    return [_row(row) for row in fetch(sql, parameters)]


_LIKE: Final = {ord(sign): f"!{sign}" for sign in "!%_"}


def _fitting(source: str) -> str:
    party = "EXISTS (SELECT 1 FROM trace_party a WHERE a.trace_id = p.trace_id AND"
    # One address that was written may be an alias that leads to several.
    has_several = f"(p.recipients > 1 OR {party} a.role = 'final'))"
    return f"""
SELECT {_COLUMNS} FROM {source}
WHERE p.at >= %s AND p.at <= %s AND (p.at < %s OR p.trace_id < %s OR %s = 1)
AND (%s = '' OR p.direction = %s OR (%s = 1 AND {has_several}))
AND (%s = '' OR p.outcome = %s OR (%s = 1 AND {has_several}))
AND (%s = '' OR p.peer = %s OR p.peer LIKE %s ESCAPE '!' OR (%s = 1 AND {has_several}))
AND (%s = 1 OR p.points BETWEEN %s AND %s OR (%s = 1 AND {has_several}))
AND (%s = 1 OR {party} a.user_id = %s))
AND (%s = 1 OR {party} {among("a.domain_id")}))
AND (%s = 1 OR {party} {among_texts("a.address")} AND {among_texts("a.role")}))
AND (%s = 1 OR {party} {among_texts("a.domain")} AND {among_texts("a.role")}))
AND (%s = '' OR p.address = %s) AND (%s = '' OR p.message_id = %s)
ORDER BY p.at DESC, p.trace_id DESC LIMIT %s"""


@dataclass(frozen=True, slots=True)
class Took:
    """Who took part (`models.Party`)."""

    role: str
    address: str
    user_id: int | None
    domain_id: int | None


_PARTIES: Final = """
SELECT a.trace_id, a.role, a.address, a.user_id, a.domain_id FROM {wanted}
{join} trace_party a ON a.trace_id = wanted.trace_id ORDER BY a.id"""
_SENDERS: Final = """
SELECT s.trace_id, s.user_id FROM {wanted} {join} trace_sent s ON s.trace_id = wanted.trace_id"""
_TIMES: Final = """
SELECT p.trace_id, p.at, p.subject FROM {wanted}
{join} trace_passage p ON p.trace_id = wanted.trace_id"""


def parties_of(traces: Sequence[UUID]) -> dict[UUID, list[Took]]:
    """Who took part in some messages; one statement."""
    found: dict[UUID, list[Took]] = {}
    for trace, *rest in _of(_PARTIES, traces):
        found.setdefault(_uuid(trace), []).append(Took(*rest))
    return found


def senders_of(traces: Sequence[UUID]) -> dict[UUID, int]:
    """The users of ours who sent them; one statement."""
    return {_uuid(trace): user for trace, user in _of(_SENDERS, traces)}


def times_of(traces: Sequence[UUID]) -> dict[UUID, tuple[int, str]]:
    """When those that are indexed already are said to have come, and their subjects."""
    return {_uuid(trace): (at, subject) for trace, at, subject in _of(_TIMES, traces)}


def _join() -> str:
    """From what is wanted to the rows: SQLite would begin with an index in the order of time."""
    return "CROSS JOIN" if is_sqlite() else "JOIN"


def _of(sql: str, traces: Sequence[UUID]) -> list[tuple[Any, ...]]:
    if not traces:
        return []
    return fetch(
        sql.format(wanted=_WANTED.sql, join=_join()),
        Values.parameters([(one.hex,) for one in traces]),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the index is.

    Args:
        event_id: all events up to this one are indexed.
        seen_to_us: when the last of them happened, 0 before the first.
        is_behind: there are events after it.
    """

    event_id: int
    seen_to_us: int
    is_behind: bool


def standing() -> Standing:
    """How far it is now; three small statements."""
    event_id = cursor()
    seen = fetch(
        "SELECT at FROM trace_traceevent WHERE id <= %s ORDER BY id DESC LIMIT 1", [event_id]
    )
    behind = fetch("SELECT 1 FROM trace_traceevent WHERE id > %s ORDER BY id LIMIT 1", [event_id])
    return Standing(event_id, min(seen[0][0], now_us()) if seen else 0, bool(behind))


def cursor() -> int:
    """The last event that is indexed; 0 before the first."""
    found = Cursor.objects.filter(name=EVENTS).values_list("event_id", flat=True).first()
    return found or 0


def _row(row: Sequence[Any]) -> Row:
    return Row(_uuid(row[0]), *row[1:])


def _uuid(trace: Any) -> UUID:
    """SQLite gives their hexadecimal digits."""
    return trace if isinstance(trace, UUID) else UUID(trace)
