"""The write door of the points that rules count here."""

import math
from fnmatch import fnmatchcase
from typing import Final

from django.db import transaction

from apps.audit.services import record
from apps.runtime.exchange import exchange
from apps.scan.catalogue import RULES
from apps.scan.models import RulePoints
from apps.scan.rulebook import Rule
from apps.wire.errors import InvalidName, LimitReached, NotFound

MOST: Final = 1_000  # rows
LOWEST, HIGHEST = -20.0, 100.0


def set_points(name: str, points: float) -> RulePoints:
    """Let a rule count something else than is usual; 0 lets it count nothing. What it demands
    whatever its points are (that a virus is refused) stays.

    Raises:
        InvalidName: the points are no number from -20 to 100.
        NotFound: there is no such rule.
        LimitReached
    """
    rule = find(name)
    if not math.isfinite(points) or not LOWEST <= points <= HIGHEST:
        raise InvalidName(text=f"Points are a number from {LOWEST:g} to {HIGHEST:g}")
    with transaction.atomic():
        if not RulePoints.objects.filter(pk=name).exists():
            _demand_room()
        row, _ = RulePoints.objects.update_or_create(
            rule=name, defaults={"points": points, "is_most": rule.most is not None}
        )
        record("spam.points", subject=name, detail={"points": points})
    return row


def unset(name: str) -> None:
    """Let a rule count what is usual.

    Raises:
        NotFound: nothing is set for it.
    """
    with transaction.atomic():
        if not RulePoints.objects.filter(pk=name).delete()[0]:
            raise NotFound(text=f"Nothing is set for {name[:100]}")
        record("spam.points", subject=name, detail={"points": "usual"})


def standing(name: str) -> float | None:
    """What is set for a rule, held until the transaction ends; None: it counts what is usual."""
    rows = RulePoints.objects.select_for_update().filter(pk=name)
    return rows.values_list("points", flat=True).first()


def put_back(name: str, *, now: float | None, then: float | None) -> bool:
    """Let a rule count something else if it counts what is expected; None is what is usual.
    Say whether it did.

    Raises:
        NotFound: there is no such rule any more.
        LimitReached
    """
    rule = find(name)
    with transaction.atomic():
        if now is None:
            _demand_room()
        is_changed = exchange(
            RulePoints,
            {"rule": name},
            now=None if now is None else {"points": now},
            then=None if then is None else {"points": then},
            first={"is_most": rule.most is not None},
        )
        if is_changed:
            record(
                "spam.points", subject=name, detail={"points": "usual" if then is None else then}
            )
    return is_changed


def _demand_room() -> None:
    if RulePoints.objects.count() >= MOST:
        raise LimitReached(text=f"Points are set for {MOST} rules already")


def find(name: str) -> Rule:
    """The rule of that name, or the row of the catalogue that stands for it.

    Raises:
        NotFound
    """
    for rule in RULES:
        if rule.name == name or ("*" in rule.name and fnmatchcase(name, rule.name)):
            return rule
    raise NotFound(text=f"There is no rule {name[:100]!r}: docs/spam-rules.md lists them")
