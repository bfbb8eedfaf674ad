"""Organisations and roles as the commands and the console list them."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from apps.directory.models import Organization, Role, RoleGrant, User
from apps.provisioning import holdings


@dataclass(frozen=True, slots=True)
class OrganizationRow:
    """An organisation, what it holds and what it may hold; None is no limit.

    Args:
        storage: bytes, the sum of its users' quotas.
    """

    name: str
    state: str
    domains: int
    max_domains: int | None
    users: int
    max_users: int | None
    storage: int
    max_storage: int | None


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role of somebody; `where` is an organisation's or a domain's name, "" for everywhere."""

    user: str
    role: str
    organization: str | None
    domain: str | None
    may_reset: bool


def organizations(wanted: QuerySet[Organization] | None = None) -> list[OrganizationRow]:
    """All of them, or those in a scope, by name; three statements."""
    found = list((Organization.objects.all() if wanted is None else wanted).order_by("name"))
    held = holdings.of_organizations([row.pk for row in found])
    return [
        OrganizationRow(
            name=row.name,
            state=row.state,
            domains=held[row.pk].domains,
            max_domains=row.max_domains,
            users=held[row.pk].users,
            max_users=row.max_users,
            storage=held[row.pk].given,
            max_storage=row.max_storage,
        )
        for row in found
    ]


def roles(*, user: User | None = None, role: Role | None = None) -> Iterator[RoleRow]:
    """All roles, or those of a user or of a kind, by the holders' addresses."""
    rows = RoleGrant.objects.select_related("user", "organization", "domain")
    if user is not None:
        rows = rows.filter(user=user)
    if role is not None:
        rows = rows.filter(role=role)
    for row in rows.order_by("user__key", "role", "pk").iterator(1_000):
        yield role_row(row)


def role_row(row: RoleGrant) -> RoleRow:
    """A grant as it is shown."""
    return RoleRow(
        user=row.user.address,
        role=row.role,
        organization=row.organization.name if row.organization is not None else None,
        domain=row.domain.name if row.domain is not None else None,
        may_reset=row.may_reset,
    )
