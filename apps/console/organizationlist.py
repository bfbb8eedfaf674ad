"""Organisations as the console lists them, with what each holds, in three statements however many
there are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Count, Q, Sum

from apps.console import paging
from apps.console.dearcounts import DearCounts
from apps.console.filters import Filter, words
from apps.console.paging import Page
from apps.directory import permissions
from apps.directory.models import Domain, Organization, State, User
from apps.directory.permissions import Powers
from apps.directory.services.capacity import OWN_BOX
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


_Counts = tuple[dict[int, int], dict[int, tuple[int, int, int]]]

counts: Final = DearCounts[_Counts]()


def holdings(found: Collection[Organization]) -> dict[int, Holding] | None:
    """What each of them holds, by its id; two statements. Where they hold very much, it is what
    they held a moment ago; None while that is counted for the first time."""
    ids = tuple(row.pk for row in found)
    counted = counts.get(ids, lambda: _counted(ids))
    return None if counted is None else _held(found, counted)


def holding_now(found: Organization) -> Holding:
    """What one of them holds at this moment, however long that takes: for who is about to stop it
    or to remove it."""
    return _held([found], _counted([found.pk]))[found.pk]


def _held(found: Collection[Organization], counted: _Counts) -> dict[int, Holding]:
    domains, users = counted
    made = {}
    for row in found:
        number, given, used = users.get(row.pk, (0, 0, 0))
        made[row.pk] = Holding(
            Share(domains.get(row.pk, 0), row.max_domains),
            Share(number, row.max_users),
            Share(given, row.max_storage),
            used,
        )
    return made


def _counted(ids: Collection[int]) -> _Counts:
    """Domains of organisations; their users, what is given to these and what they use in bytes."""
    domains: dict[int, int] = dict(
        Domain.objects.filter(organization__in=ids)
        .order_by()
        .values_list("organization_id")
        .annotate(Count("pk"))
    )
    living = User.objects.living().filter(domain__organization__in=ids).order_by()
    # A domain's own postmaster box takes no place: see `capacity`.
    counted = ~Q(OWN_BOX)
    users = {
        pk: (number, int(given or 0), int(used or 0))
        for pk, number, given, used in living.values_list("domain__organization_id").annotate(
            places=Count("pk", filter=counted),
            given=Sum("quota", filter=counted),
            used=Sum("usage__size"),
        )
    }
    return domains, users
