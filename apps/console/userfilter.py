"""Which users are asked for: the filters of the list, of its bulk acts and of the export."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.console.filters import Filter, choice, order
from apps.directory import permissions
from apps.directory.models import Domain, Kind, RoleGrant, User
from apps.directory.permissions import Powers
from apps.directory.written import stored_domain

NO_ROLE: Final = "none"
ADDRESS: Final = "address"
NAME: Final = "name"
STORAGE: Final = "storage"
IDLE: Final = "idle"  # those who were not seen for longest first
SORTS: Final = (ADDRESS, NAME, STORAGE, IDLE)
IDLE_DAYS: Final = ("30", "90", "180", "365")
IDLE_SINCE: Final = Coalesce("seen_at", "created_at")
"""When a user was seen last; who never was counts from the first day."""


@dataclass(frozen=True, slots=True)
class Wanted(Filter):
    """What is asked for.

    Args:
        text: part of a name or address.
        domain: its name.
        role: one of `Role`, or NO_ROLE.
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
    found = permissions.users(powers)
    if wanted.text:
        folded = wanted.text.casefold()
        found = found.filter(Q(key__contains=folded) | Q(name__icontains=wanted.text))
    if wanted.domain:
        # By its number: an index then has its users in order, and a planner knows how many.
        domain = Domain.objects.filter(name=stored_domain(wanted.domain))
        found = found.filter(domain=domain.values_list("pk", flat=True).first() or 0)
    if wanted.role:
        held = RoleGrant.objects.all()
        if wanted.role == NO_ROLE:
            found = found.exclude(pk__in=held.values("user"))
        else:
            found = found.filter(pk__in=held.filter(role=wanted.role).values("user"))
    if wanted.factor:
        found = found.filter(kind="person", has_factor=wanted.factor == "on")
    if wanted.state:
        found = found.filter(state=wanted.state)
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.idle:
        before = timezone.now() - timedelta(days=int(wanted.idle))
        found = found.alias(idle=IDLE_SINCE).filter(idle__lt=before, kind=Kind.PERSON)
    return found
