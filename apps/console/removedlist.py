"""Removed users as the console lists them, those removed last first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from apps.console import paging
from apps.console.filters import Filter
from apps.console.paging import Page
from apps.directory.permissions import Powers
from apps.provisioning.administration import tombstones
from apps.provisioning.services import KEEP_DAYS
from apps.runtime.keyset import Column, Order

_ORDER: Final = Order(Column("removed_at", datetime, falls=True), Column("pk", falls=True))
_COLUMNS: Final = ("pk", "address", "name", "removed_at", "usage__size")


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A removed user; its mail goes for good at `kept_until` or soon after."""

    id: int
    address: str
    name: str
    removed_at: datetime
    used: int

    @property
    def kept_until(self) -> datetime:
        """When its time is over."""
        return self.removed_at + timedelta(days=KEEP_DAYS)


def removed(powers: Powers, wanted: Filter) -> Page[Tombstone]:
    """A page of the removed users in sight whose address begins with a text; one statement."""
    found = tombstones.in_sight(powers)
    if wanted.text:
        found = found.filter(key__startswith=wanted.text.casefold())
    rows = found.values(*_COLUMNS)
    return paging.page(rows, _ORDER, wanted, _lines, nouns=("user", "users"))


def _lines(rows: Sequence[dict[str, Any]]) -> list[Tombstone]:
    return [
        Tombstone(
            row["pk"], row["address"], row["name"], row["removed_at"], row["usage__size"] or 0
        )
        for row in rows
    ]
