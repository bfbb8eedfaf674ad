"""Who holds which role, as far as somebody's powers reach."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from django.db.models import QuerySet

from apps.console import paging
from apps.console.filters import Filter, choice
from apps.console.paging import Page
from apps.console.rolewords import ROLE_WORDS
from apps.directory import permissions
from apps.directory.models import Domain, Organization, Role, RoleGrant
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration.sight import grants_in_sight, grants_within
from apps.runtime.keyset import Column, Order
from apps.runtime.prefixes import beginning

CHOICES: Final = 200  # organisations that the form offers
_ORDER: Final = Order(Column("pk"))  # in which they were given
_WHAT: Final = {
    Role.OPERATOR: "Everything, everywhere",
    Role.RESELLER: "Domains, users and roles of an organisation",
    Role.DOMAIN_ADMIN: "Users, aliases and policies",
    Role.HELPDESK: "Sees users and adds them; resets passwords only if allowed",
}


@dataclass(frozen=True, slots=True)
class Wanted(Filter):
    """What is asked for: `text` is the beginning of a holder's address."""

    role: str = field(default="", metadata=choice(Role.values))


@dataclass(frozen=True, slots=True)
class Line:
    """A role of somebody.

    Args:
        user_id: 0 if its holder is out of sight: who administers a thing knows who else does, but
            is shown nothing more of them.
        has_factor: also of who is out of sight, whatever they have.
        may_take: whether who looks can take it back.
    """

    id: int
    user_id: int
    address: str
    name: str
    has_factor: bool
    role: str
    where: str
    organization_id: int | None
    domain_id: int | None
    may_reset: bool
    may_take: bool
    is_own: bool


def within(powers: Powers, organization: Organization) -> QuerySet[RoleGrant]:
    """Those of one organisation and of its domains."""
    mine = Organization.objects.filter(pk=organization.pk)
    return grants_within(grants_in_sight(powers), mine)


def roles(powers: Powers, wanted: Wanted, among: QuerySet[RoleGrant] | None = None) -> Page[Line]:
    """A page of the roles in sight; two statements."""
    found = grants_in_sight(powers) if among is None else among
    if wanted.text:
        found = found.filter(beginning("user__key", wanted.text.casefold()))
    if wanted.role:
        found = found.filter(role=wanted.role)
    return paging.page(_joined(found), _ORDER, wanted, lambda rows: lines_of(powers, rows))


def line_of(powers: Powers, grant_id: int) -> Line | None:
    """One role that may be taken back; None if there is none."""
    rows = list(_joined(grants_in_sight(powers).filter(pk=grant_id)))
    lines = [line for line in lines_of(powers, rows) if line.may_take]
    return lines[0] if lines else None


def lines_of(powers: Powers, rows: Iterable[RoleGrant]) -> list[Line]:
    """Roles as they are shown; one statement."""
    found = list(rows)
    holders = permissions.users(powers).filter(pk__in={row.user_id for row in found})
    known = set(holders.values_list("pk", flat=True))
    return [
        Line(
            id=row.pk,
            user_id=row.user_id if row.user_id in known else 0,
            address=row.user.address,
            name=row.user.name if row.user_id in known else "",
            has_factor=row.user_id not in known or row.user.has_factor,
            role=ROLE_WORDS[Role(row.role)],
            where=_where(row),
            organization_id=row.organization_id,
            domain_id=row.domain_id,
            may_reset=row.may_reset,
            may_take=permissions.may_grant(powers, Role(row.role), row.organization or row.domain),
            is_own=row.user_id == powers.user_id,
        )
        for row in found
    ]


def choices(powers: Powers) -> list[tuple[str, str, str]]:
    """Roles that somebody may give somewhere: value, name, what it is for."""
    return [
        (role.value, ROLE_WORDS[role], _WHAT[role])
        for role in reversed(permissions.ROLES)
        if powers.may(permissions.MAKERS[role])
    ]


def organization_choices(powers: Powers) -> list[tuple[int, str]]:
    """Organisations in which somebody may give roles, by name."""
    found = permissions.organizations(powers, Ability.MAKE_HELPDESKS).order_by("name")
    return list(found.values_list("pk", "name")[:CHOICES])


def domain_choices(powers: Powers) -> list[str]:
    """Domains in which somebody may give roles, by name; a beginning, for the field to offer."""
    found = permissions.domains(powers, Ability.MAKE_HELPDESKS).filter(alias_of=None)
    return list(found.order_by("name").values_list("name", flat=True)[:CHOICES])


def _joined(found: QuerySet[RoleGrant]) -> QuerySet[RoleGrant]:
    return found.select_related("user", "organization", "domain__organization")


def _where(row: RoleGrant) -> str:
    where: Organization | Domain | None = row.organization or row.domain
    return "Everywhere" if where is None else where.name
