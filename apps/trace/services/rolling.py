"""Mail flow, counted: minutes and hours of the passages.

Whatever becomes of a message, an event tells of it. So the events that the index of messages has
read since the last time name the messages that are new or have changed, and their minutes and hours
are counted anew, whole: to count them twice changes nothing. How much is done at once is bounded;
what is left over the next run does.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from apps.runtime.clock import now_us
from apps.runtime.rows import ManyRows, Values, among, fetch, listed
from apps.trace import flow
from apps.trace.flow import (
    COLUMNS,
    DAY,
    EVERYTHING,
    HOUR,
    MICROSECONDS,
    MINUTE,
    NAME,
    QUARTER,
    Flowed,
)
from apps.trace.models import FlowTotal, TraceEvent

SECONDS: Final = 20.0  # of one run
EVENTS: Final = 20_000  # of one step
HOURS: Final = 24  # that one step counts anew
KEPT: Final = {MINUTE: 2, HOUR: 90, QUARTER: 90, DAY: 90}  # days
PRUNED: Final = 5_000  # rows of one transaction
_DAY: Final = DAY * MICROSECONDS

_TOUCHED: Final = """
SELECT e.id, p.at FROM (
  SELECT id, trace_id FROM trace_traceevent WHERE id > %s AND id <= %s ORDER BY id LIMIT %s) AS e
LEFT JOIN trace_passage p ON p.trace_id = e.trace_id ORDER BY e.id"""

# Of everything messages are counted; of a domain recipients, each at the one domain that the index
# says: a message to two domains is neither counted twice in their sum, nor is what became of the
# one's recipients told to the other. What is for an address of that domain is received, what goes
# elsewhere is sent.
_SPANS: Final = Values("spans", "opens bigint, closes bigint")
_TIMES: Final = ", ".join(
    "SUM(CASE WHEN is_here = 1 AND outcome IN ('delivered', 'junk')"
    f" AND took > {low} AND took <= {high} THEN 1 ELSE 0 END)"
    for low, high in zip(
        (-1, *(round(bound * MICROSECONDS) for bound in flow.BOUNDS)),
        (*(round(bound * MICROSECONDS) for bound in flow.BOUNDS), 2**62),
        strict=True,
    )
)
_COUNT: Final = f"""
WITH seen AS (
  SELECT spans.opens AS begun, 0 AS scope, p.outcome AS outcome, p.size AS size, p.took AS took,
    CASE WHEN p.direction = 'outgoing' THEN 0 ELSE 1 END AS is_here,
    CASE WHEN p.outcome IN ('refused', 'put off') THEN 0 ELSE 1 END AS is_taken,
    CASE WHEN lower(p.cause) LIKE '%%virus%%' THEN 1 ELSE 0 END AS is_virus
  FROM {{spans}} JOIN trace_passage p ON p.at >= spans.opens AND p.at < spans.closes
  UNION ALL
  SELECT spans.opens, q.counted_id, q.outcome, p.size, q.took,
    CASE WHEN q.domain_id IS NULL OR q.role = 'sender' THEN 0 ELSE 1 END,
    CASE WHEN q.outcome IN ('refused', 'put off') THEN 0 ELSE 1 END,
    CASE WHEN q.outcome = p.outcome AND lower(p.cause) LIKE '%%virus%%' THEN 1 ELSE 0 END
  FROM {{spans}} JOIN trace_passage p ON p.at >= spans.opens AND p.at < spans.closes
  JOIN trace_party q ON q.trace_id = p.trace_id
  WHERE q.counted_id IS NOT NULL AND q.outcome IS NOT NULL
)
SELECT scope, begun,
  SUM(is_taken * is_here), SUM(is_taken * (1 - is_here)),
  SUM(CASE WHEN outcome = 'delivered' THEN is_here ELSE 0 END),
  SUM(CASE WHEN outcome = 'delivered' THEN 1 - is_here ELSE 0 END),
  SUM(CASE WHEN outcome = 'junk' THEN 1 ELSE 0 END),
  SUM(CASE WHEN outcome = 'quarantined' THEN 1 ELSE 0 END),
  SUM(CASE WHEN outcome = 'refused' THEN 1 ELSE 0 END),
  SUM(CASE WHEN outcome = 'put off' THEN 1 ELSE 0 END),
  SUM(CASE WHEN outcome = 'deferred' THEN 1 ELSE 0 END),
  SUM(CASE WHEN outcome = 'bounced' THEN 1 ELSE 0 END),
  SUM(CASE WHEN outcome IN ('refused', 'quarantined') THEN is_virus ELSE 0 END),
  SUM(is_taken * size),
  SUM(CASE WHEN is_here = 1 AND outcome IN ('delivered', 'junk') THEN took ELSE 0 END),
  {_TIMES}
FROM seen GROUP BY scope, begun"""

_INSERT: Final = ManyRows(
    f"INSERT INTO trace_flow (span, domain_id, at, {', '.join(COLUMNS)})",
    " ".join(["bigint"] * (3 + len(COLUMNS))),
)
# Hours are many rows where somebody sees many domains: what is longer is added up of them.
_LONGER: Final = f"""
INSERT INTO trace_flow (span, domain_id, at, {", ".join(COLUMNS)})
SELECT %s, f.domain_id, spans.opens, {", ".join(f"SUM(f.{name})" for name in COLUMNS)}
FROM {{spans}} JOIN trace_flow f ON f.span = %s AND f.at >= spans.opens AND f.at < spans.closes
GROUP BY f.domain_id, spans.opens"""
_BEFORE: Final = f"""
SELECT {", ".join(COLUMNS)}, at FROM trace_flow
WHERE span = %s AND domain_id = %s AND {{spans}}"""
_DELETE: Final = "DELETE FROM trace_flow WHERE span = %s AND {spans}"
_PRUNE: Final = """
DELETE FROM trace_flow WHERE id IN (
  SELECT id FROM trace_flow WHERE span = %s AND at < %s ORDER BY at LIMIT %s)"""
_TOTAL: Final = f"""
UPDATE trace_flowtotal SET {", ".join(f"{name} = {name} + %s" for name in COLUMNS)}
WHERE name = %s AND event_id = %s"""


@dataclass(frozen=True, slots=True)
class _Step:
    """Events from one id on up to another, and when their messages began."""

    after: int
    last: int
    moments: frozenset[int]


def roll(seconds: float = SECONDS) -> int:
    """Count what is new, for so long at most, and one step at least; returns how many steps."""
    began, end = now_us(), time.monotonic() + seconds
    FlowTotal.objects.get_or_create(name=NAME)
    steps = 0
    while (step := _next()) is not None:
        steps += 1
        if not _count(step) or time.monotonic() >= end:
            break
    _say_until(began)
    for span, days in KEPT.items():
        _prune(span, began - days * _DAY)
    return steps


def _next() -> _Step | None:
    """What is to be counted next."""
    indexed = flow.indexed_up_to()
    after = FlowTotal.objects.values_list("event_id", flat=True).get(name=NAME)
    if indexed < after:  # the index is being made anew
        after = _begin_again(after)
    if indexed == after:
        return None
    rows = fetch(_TOUCHED, [after, indexed, EVENTS])
    moments: set[int] = set()
    hours: set[int] = set()
    last = after
    for event_id, at in rows:
        if at is not None:
            hour = _floor(int(at), HOUR)
            if hour not in hours and len(hours) == HOURS:
                return _Step(after, last, frozenset(moments))
            hours.add(hour)
            moments.add(_floor(int(at), MINUTE))
        last = int(event_id)
    return _Step(after, last if len(rows) == EVENTS else indexed, frozenset(moments))


def _begin_again(after: int) -> int:
    FlowTotal.objects.filter(name=NAME, event_id=after).update(event_id=0)
    return 0


def _count(step: _Step) -> bool:
    """Count the spans of a step anew; False if somebody else has done so meanwhile.

    Each transaction is short, for on SQLite mail waits for it: whoever dies between them has the
    whole step done again.
    """
    hours = _kept({_floor(at, HOUR) for at in step.moments}, HOUR)
    spans = {MINUTE: _kept(step.moments, MINUTE), HOUR: hours}
    counted = {span: _counted(span, begins) for span, begins in spans.items()}
    highest = FlowTotal.objects.values_list("highest", flat=True).get(name=NAME)
    with transaction.atomic():
        more = _risen(hours, counted[HOUR]) if step.last > highest else Flowed()
        if not _is_mine(step, more):
            return False
        for span, begins in spans.items():
            _delete(span, begins)
            _INSERT.write([(span, *row) for row in counted[span]])
    longer = [
        (span, at)
        for span in (QUARTER, DAY)
        for at in _kept({_floor(at, span) for at in step.moments}, span)
    ]
    for span, at in longer:
        with transaction.atomic():
            if not _is_mine(step, Flowed()):
                return False
            _add_up(span, at)
    mark = FlowTotal.objects.filter(name=NAME, event_id=step.after)
    return bool(mark.update(event_id=step.last, highest=max(step.last, highest)))


def _is_mine(step: _Step, more: Flowed) -> bool:
    """Whether nobody else has done the step: adds to the totals, and holds their row until the
    transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTAL, [*more.row, NAME, step.after])
        found: int = cursor.rowcount
    return found == 1


def _delete(span: int, begins: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_DELETE.format(spans=among("at")), [span, listed(begins)])


def _add_up(span: int, begins: int) -> None:
    """Make a span anew of the hours within it."""
    _delete(span, [begins])
    spans = Values.parameters([(begins, begins + span * MICROSECONDS)])
    with connection.cursor() as cursor:
        cursor.execute(_LONGER.format(spans=_SPANS.sql), [span, *spans, HOUR])


def _counted(span: int, begins: Sequence[int]) -> list[tuple[int, ...]]:
    """Rows of scope, beginning and figures of these spans."""
    if not begins:
        return []
    parameters = Values.parameters([(at, at + span * MICROSECONDS) for at in begins])
    rows = fetch(_COUNT.format(spans=_SPANS.sql), [*parameters, *parameters])
    return [tuple(int(value or 0) for value in row) for row in rows]


def _risen(begins: Sequence[int], counted: Iterable[tuple[int, ...]]) -> Flowed:
    """By how much the figures of these hours have risen; what has fallen is not told."""
    if not begins:
        return Flowed()
    sql = _BEFORE.format(spans=among("at"))
    before = {row[-1]: row[:-1] for row in fetch(sql, [HOUR, EVERYTHING, listed(begins)])}
    nothing: tuple[int, ...] = (0,) * len(COLUMNS)
    more = Flowed()
    for scope, at, *figures in counted:
        if scope == EVERYTHING:
            old = before.get(at, nothing)
            risen = [max(0, new - was) for new, was in zip(figures, old, strict=True)]
            more += Flowed.of(risen)
    return more


def _say_until(began: int) -> None:
    after = FlowTotal.objects.values_list("event_id", flat=True).get(name=NAME)
    first = TraceEvent.objects.filter(pk__gt=after).order_by("pk").values_list("at").first()
    until = began if first is None else min(began, int(first[0]))
    FlowTotal.objects.filter(name=NAME).update(until=until)


def _kept(moments: Iterable[int], span: int) -> list[int]:
    """Those that are not about to be removed; of them all messages are still there."""
    oldest = now_us() - KEPT[span] * _DAY
    return sorted(at for at in moments if at >= oldest)


def _floor(at_us: int, span: int) -> int:
    return at_us - at_us % (span * MICROSECONDS)


def _prune(span: int, before: int) -> None:
    removed = PRUNED
    while removed == PRUNED:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_PRUNE, [span, before, PRUNED])
            removed = cursor.rowcount
