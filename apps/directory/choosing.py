"""Which users are asked for: what every list of them narrows by."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from apps.directory import permissions
from apps.directory.models import Kind, RoleGrant, User
from apps.directory.permissions import Powers

NO_ROLE: Final = "none"
IDLE_SINCE: Final = Coalesce("seen_at", "created_at")
"""When a user was seen last; who never was counts from the first day."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is asked for; what is empty narrows nothing.

    Args:
        text: part of a name or address.
        domain: its id; what none has finds nobody.
        role: one of `Role`, or NO_ROLE.
        has_factor: a second factor, of persons.
        kind: of `Kind`.
        idle_before: persons who were not seen since.
    """

    text: str = ""
    domain: int | None = None
    role: str = ""
    has_factor: bool | None = None
    state: str = ""
    kind: str = ""
    idle_before: datetime | None = None


def chosen(powers: Powers, choice: Choice) -> QuerySet[User]:
    """The users in sight that fit, in no order."""
    found = permissions.users(powers)
    if choice.text:
        folded = choice.text.casefold()
        found = found.filter(Q(key__contains=folded) | Q(name__icontains=choice.text))
    if choice.domain is not None:
        # By its number: an index then has its users in order, and a planner knows how many.
        found = found.filter(domain=choice.domain)
    if choice.role:
        found = _with_role(found, choice.role)
    if choice.has_factor is not None:
        found = found.filter(kind=Kind.PERSON, has_factor=choice.has_factor)
    if choice.state:
        found = found.filter(state=choice.state)
    if choice.kind:
        found = found.filter(kind=choice.kind)
    if choice.idle_before is not None:
        idle = found.alias(idle=IDLE_SINCE)
        found = idle.filter(idle__lt=choice.idle_before, kind=Kind.PERSON)
    return found


def _with_role(found: QuerySet[User], role: str) -> QuerySet[User]:
    held = RoleGrant.objects.all()
    if role == NO_ROLE:
        return found.exclude(pk__in=held.values("user"))
    return found.filter(pk__in=held.filter(role=role).values("user"))
