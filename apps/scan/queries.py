"""Reads of kept verdicts, lists and thresholds."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from apps.directory.models import Domain
from apps.scan import record, standings
from apps.scan.base import Action
from apps.scan.catalogue import RULES
from apps.scan.deeds import Deed, Done
from apps.scan.models import ListEntry, RulePoints, Scanned, Threshold
from apps.scan.record import Record
from apps.scan.rulebook import Rule
from apps.scan.scopes import SERVER, Scope
from apps.scan.standings import Limits

PAGE: Final = 200  # verdicts read at once: each is some kilobytes
_COLUMNS: Final = ("id", "trace_id", "source", "at", "points", "action", "engine", "data", "deeds")


@dataclass(frozen=True)
class Judged:
    """A verdict that was kept; `models.Scanned` tells of the fields.

    Args:
        at_us: Unix microseconds.
        blob_id: the message, if it is still there.
    """

    id: UUID
    trace_id: UUID
    blob_id: UUID
    at_us: int
    points: float
    action: Action
    engine: str
    data: bytes
    deeds: tuple[Deed, ...]

    @cached_property
    def record(self) -> Record:
        """All of it.

        Raises:
            BrokenRecordError
        """
        return record.unpack(self.data)


def of_id(queue_id: UUID) -> Judged | None:
    """The verdict of one queue row."""
    row = Scanned.objects.filter(pk=queue_id).values_list(*_COLUMNS).first()
    return None if row is None else _judged(row)


def of_traces(trace_ids: Sequence[UUID]) -> dict[UUID, list[Judged]]:
    """The verdicts of messages, oldest first; one question."""
    found: dict[UUID, list[Judged]] = {}
    rows = Scanned.objects.filter(trace_id__in=trace_ids).order_by("at", "id")
    for row in rows.values_list(*_COLUMNS):
        one = _judged(row)
        found.setdefault(one.trace_id, []).append(one)
    return found


def of_message_id(message_id: str, limit: int) -> list[Judged]:
    """The newest verdicts on messages with this Message-ID (angle brackets included)."""
    rows = Scanned.objects.filter(message_id=message_id).order_by("-at", "-id")
    return [_judged(row) for row in rows.values_list(*_COLUMNS)[:limit]]


def count_between(since_us: int, until_us: int) -> int:
    """How many verdicts there are from one moment to before another, in Unix microseconds."""
    return Scanned.objects.filter(at__gte=since_us, at__lt=until_us).count()


def between(since_us: int, until_us: int) -> Iterator[list[Judged]]:
    """These verdicts by time, a page at once: never more of them are in memory."""
    after: tuple[int, UUID] | None = None
    while True:
        rows = Scanned.objects.filter(at__gte=since_us, at__lt=until_us).order_by("at", "id")
        if after is not None:
            at, last = after
            rows = rows.filter(Q(at__gt=at) | Q(at=at, id__gt=last), at__gte=at)
        page = [_judged(row) for row in rows.values_list(*_COLUMNS)[:PAGE]]
        if not page:
            return
        after = page[-1].at_us, page[-1].id
        yield page


def _judged(row: Sequence[Any]) -> Judged:
    identity, trace_id, source, at_us, points, action, engine, data, deeds = row
    return Judged(
        identity,
        trace_id,
        source,
        at_us,
        points,
        Action(action),
        engine,
        bytes(data),
        tuple(Deed(**one | {"done": Done(one["done"])}) for one in json.loads(deeds)),
    )


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry of a list. `created` is a time in UTC."""

    verb: str
    value: str
    kind: str
    created: str
    note: str


def entries(scope: Scope, verb: str | None = None) -> Iterator[EntryRow]:
    """The lists of one scope, by value."""
    rows = ListEntry.objects.filter(domain=scope.domain_id, user=scope.user_id)
    if verb is not None:
        rows = rows.filter(verb=verb)
    columns = rows.order_by("verb", "value").values_list(
        "verb", "value", "kind", "created_at", "note"
    )
    return (
        EntryRow(verb, value, kind, _time(created_at), note)
        for verb, value, kind, created_at, note in columns.iterator(chunk_size=1_000)
    )


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def limits(scope: Scope) -> Limits:
    """What is set for one scope."""
    row = Threshold.objects.filter(scope=scope.text).first()
    return Limits() if row is None else Limits(row.junk, row.refuse, row.hold, row.is_off)


def counting(scope: Scope) -> Limits:
    """What counts for one scope in the end, whoever has set it."""
    found = limits(scope)
    for wider in _wider(scope):
        found = standings.over(found, limits(wider))
    return standings.over(found, standings.USUAL)


def _wider(scope: Scope) -> list[Scope]:
    if scope == SERVER:
        return []
    if scope.user_id is None:
        return [SERVER]
    domain = Domain.objects.filter(users=scope.user_id).values_list("pk", "alias_of").first()
    return [SERVER] if domain is None else [Scope(domain_id=domain[1] or domain[0]), SERVER]


@dataclass(frozen=True, slots=True)
class PointsRow:
    """A rule: what it counts here, and usually."""

    rule: str
    points: float
    usual: str
    means: str


def rule_points() -> list[PointsRow]:
    """All rules, those first for which something is set; and what is set for rules of others."""
    known = dict(RulePoints.objects.order_by("rule").values_list("rule", "points"))
    rules = {rule.name: rule for rule in RULES}
    names = [*known, *(name for name in rules if name not in known)]
    return [
        PointsRow(name, known[name], "-", "")
        if name not in rules
        else PointsRow(
            name, known.get(name, rules[name].points), usual(rules[name]), rules[name].means
        )
        for name in names
    ]


def usual(rule: Rule) -> str:
    """What a rule usually counts, in words."""
    return f"{rule.points:g}" if rule.most is None else f"{rule.points:g} to {rule.most:g}"
