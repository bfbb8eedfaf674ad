"""The write door of thresholds: from how many points on what is done, and "off"."""

import math
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from apps.audit.services import record
from apps.scan.models import Threshold
from apps.scan.models.policies import NEVER
from apps.scan.scopes import Scope
from apps.scan.subjects import of_scope
from apps.wire.errors import InvalidName

HIGHEST: Final = 1_000.0


@dataclass(frozen=True, slots=True)
class Unset:
    """In place of a value: as the next wider scope has it."""


UNSET: Final = Unset()

Points = float | Unset | None
"""`NEVER` is a number too; None leaves it as it is."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be changed; None leaves it as it is."""

    junk: Points = None
    refuse: Points = None
    hold: Points = None
    is_off: bool | Unset | None = None


def change(scope: Scope, wanted: Change) -> Threshold:
    """Set thresholds of the server, a domain or a user; return what is set there now.

    Raises:
        InvalidName: a threshold is no number from 0 to 1000.
    """
    with transaction.atomic():
        row, _ = Threshold.objects.select_for_update().get_or_create(
            scope=scope.text,
            defaults={"domain_id": scope.domain_id, "user_id": scope.user_id},
        )
        for name in ("junk", "refuse", "hold"):
            value = getattr(wanted, name)
            if value is not None:
                setattr(row, name, _points(value))
        if wanted.is_off is not None:
            row.is_off = None if isinstance(wanted.is_off, Unset) else wanted.is_off
        row.save()
        if (row.junk, row.refuse, row.hold, row.is_off) == (None, None, None, None):
            Threshold.objects.filter(scope=scope.text).delete()
        detail = {
            name: _told(value) for name, value in vars_of(wanted).items() if value is not None
        }
        record("spam.threshold", **of_scope(scope), detail=detail)
    return row


def vars_of(wanted: Change) -> dict[str, Points | bool]:
    """What is to be changed, by its name."""
    return {name: getattr(wanted, name) for name in Change.__slots__}


def _told(value: float | Unset | bool) -> object:
    if isinstance(value, Unset):
        return "unset"
    return "never" if value == NEVER and not isinstance(value, bool) else value


def _points(value: float | Unset) -> float | None:
    if isinstance(value, Unset):
        return None
    if value == NEVER:
        return value
    # Below zero, or at it, everything would be spam: "off" and block lists say what is meant.
    if not math.isfinite(value) or not 0 < value <= HIGHEST:
        raise InvalidName(text=f"A threshold is a number above 0 and up to {HIGHEST:.0f}")
    return value
