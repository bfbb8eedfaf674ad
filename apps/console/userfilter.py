"""Which users are asked for: the filters of the list, of its bulk acts and of the export."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from apps.console.filters import Filter, choice, order
from apps.directory import choosing
from apps.directory.choosing import Choice
from apps.directory.models import Domain, User
from apps.directory.permissions import Powers
from apps.directory.written import stored_domain

ADDRESS: Final = "address"
NAME: Final = "name"
STORAGE: Final = "storage"
IDLE: Final = "idle"  # those who were not seen for longest first
SORTS: Final = (ADDRESS, NAME, STORAGE, IDLE)
IDLE_DAYS: Final = ("30", "90", "180", "365")


@dataclass(frozen=True, slots=True)
class Wanted(Filter):
    """What is asked for.

    Args:
        text: part of a name or address.
        domain: its name.
        role: one of `Role`, or `choosing.NO_ROLE`.
        factor: on, off: a second factor, of persons.
        idle: one of IDLE_DAYS: persons who did not sign in for so long.
        sort: one of SORTS.
    """

    domain: str = ""
    role: str = ""
    factor: str = ""
    state: str = ""
    kind: str = ""
    idle: str = field(default="", metadata=choice(IDLE_DAYS))
    sort: str = field(default=ADDRESS, metadata=order(SORTS))


def chosen(powers: Powers, wanted: Wanted) -> QuerySet[User]:
    """The users in sight that fit, in no order, whatever the page."""
    days = int(wanted.idle or 0)
    choice = Choice(
        text=wanted.text,
        domain=_domain(wanted.domain) if wanted.domain else None,
        role=wanted.role,
        has_factor=wanted.factor == "on" if wanted.factor else None,
        state=wanted.state,
        kind=wanted.kind,
        idle_before=timezone.now() - timedelta(days=days) if days else None,
    )
    return choosing.chosen(powers, choice)


def _domain(name: str) -> int:
    """The id of a domain; 0 for none."""
    rows = Domain.objects.filter(name=stored_domain(name))
    return rows.values_list("pk", flat=True).first() or 0
