"""Organisations as the console lists them, with what each holds, in three statements however many
there are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from apps.console import paging
from apps.console.dearcounts import DearCounts
from apps.console.filters import Filter, words
from apps.console.paging import Page
from apps.directory import permissions
from apps.directory.models import Organization, State
from apps.directory.permissions import Powers
from apps.provisioning.holdings import Held, of_organizations
from apps.runtime.keyset import Column, Order

_ORDER: Final = Order(Column("name", str))
STATES: Final = (State.ACTIVE, State.LOCKED, State.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Wanted(Filter):
    """What is asked for: `text` is part of a name."""

    text: str = field(default="", metadata=words(200))
    state: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """How much there is of something that may be limited; None is no limit."""

    held: int
    most: int | None

    @property
    def percent(self) -> int:
        """How much of the limit is taken, 0 to 100."""
        if self.most is None:
            return 0
        return min(100, self.held * 100 // self.most) if self.most else 100

    @property
    def is_over(self) -> bool:
        """Whether more is held than may be: a limit that came later takes nothing away."""
        return self.most is not None and self.held > self.most


@dataclass(frozen=True, slots=True)
class Holding:
    """What an organisation holds.

    Args:
        given: bytes, the sum of its users' quotas; what the limit of storage counts.
        used: bytes that its mail takes.
    """

    domains: Share
    users: Share
    given: Share
    used: int


@dataclass(frozen=True, slots=True)
class Line:
    """An organisation in the list; `holding` is None while that is being counted."""

    id: int
    name: str
    state: str
    holding: Holding | None


def organizations(powers: Powers, wanted: Wanted) -> Page[Line]:
    """A page of the organisations in sight."""
    found = permissions.organizations(powers)
    if wanted.text:
        found = found.filter(name__icontains=wanted.text)
    if wanted.state:
        found = found.filter(state=wanted.state)
    return paging.page(found, _ORDER, wanted, _lines)


def _lines(rows: Sequence[Organization]) -> list[Line]:
    held = holdings(rows) or {}
    return [Line(row.pk, row.name, row.state, held.get(row.pk)) for row in rows]


_Counts = dict[int, Held]

counts: Final = DearCounts[_Counts]()


def holdings(found: Collection[Organization]) -> dict[int, Holding] | None:
    """What each of them holds, by its id; two statements. Where they hold very much, it is what
    they held a moment ago; None while that is counted for the first time."""
    ids = tuple(row.pk for row in found)
    counted = counts.get(ids, lambda: of_organizations(ids))
    return None if counted is None else _held(found, counted)


def holding_now(found: Organization) -> Holding:
    """What one of them holds at this moment, however long that takes: for who is about to stop it
    or to remove it."""
    return _held([found], of_organizations([found.pk]))[found.pk]


def _held(found: Collection[Organization], counted: _Counts) -> dict[int, Holding]:
    made = {}
    for row in found:
        held = counted.get(row.pk, Held())
        made[row.pk] = Holding(
            Share(held.domains, row.max_domains),
            Share(held.users, row.max_users),
            Share(held.given, row.max_storage),
            held.used,
        )
    return made
