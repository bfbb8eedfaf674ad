"""What administrators do to organisations: resellers see their own, operators change all."""

from collections.abc import Mapping

from django.db import transaction

from apps.directory.models import Organization, State
from apps.directory.permissions import Ability, Powers
from apps.directory.services import limits, organizations
from apps.directory.services.organizations import KEEP, Limit
from apps.provisioning.administration.sight import demand, find_organization


def add(
    *,
    powers: Powers,
    name: str,
    max_domains: int | None = None,
    max_users: int | None = None,
    max_storage: int | None = None,
) -> Organization:
    """Add an organisation.

    Raises:
        NotPermitted, InvalidName, AlreadyExists
    """
    demand(powers, Ability.CHANGE_ORGANIZATIONS)
    return organizations.create(
        name=name, max_domains=max_domains, max_users=max_users, max_storage=max_storage
    )


def rename(*, powers: Powers, organization_id: int, name: str) -> Organization:
    """Give an organisation another name.

    Raises:
        NotFound, NotPermitted, InvalidName, AlreadyExists
    """
    found = find_organization(powers, organization_id)
    demand(powers, Ability.CHANGE_ORGANIZATIONS, found)
    return organizations.rename(organization_id=found.pk, name=name)


def set_limits(
    *,
    powers: Powers,
    organization_id: int,
    max_domains: Limit = KEEP,
    max_users: Limit = KEEP,
    max_storage: Limit = KEEP,
) -> Organization:
    """Say what an organisation may hold; None is no limit.

    Raises:
        NotFound, NotPermitted, InvalidName
    """
    found = find_organization(powers, organization_id)
    demand(powers, Ability.SET_LIMITS, found)
    return organizations.set_limits(
        organization_id=found.pk,
        max_domains=max_domains,
        max_users=max_users,
        max_storage=max_storage,
    )


def change(
    *,
    powers: Powers,
    organization_id: int,
    name: str | None = None,
    max_domains: Limit = KEEP,
    max_users: Limit = KEEP,
    max_storage: Limit = KEEP,
) -> Organization:
    """Name and limits at once: both, or neither. What stays as it is, is not written.

    Raises:
        NotFound, NotPermitted, InvalidName, AlreadyExists
    """
    with transaction.atomic():
        found = find_organization(powers, organization_id)
        demand(powers, Ability.CHANGE_ORGANIZATIONS, found)
        if name is not None and name.strip() != found.name:
            rename(powers=powers, organization_id=found.pk, name=name)
        return set_limits(
            powers=powers,
            organization_id=found.pk,
            max_domains=KEEP if max_domains == found.max_domains else max_domains,
            max_users=KEEP if max_users == found.max_users else max_users,
            max_storage=KEEP if max_storage == found.max_storage else max_storage,
        )


def set_sending(*, powers: Powers, organization_id: int, changes: Mapping[str, int | None]) -> None:
    """Say how much all users of an organisation together may send.

    Args:
        changes: of `directory.limits.FIELDS`; None is no limit.

    Raises:
        NotFound, NotPermitted, InvalidName
    """
    found = find_organization(powers, organization_id)
    demand(powers, Ability.SET_LIMITS, found)
    limits.set_limits(organization=found, changes=changes)


def set_state(*, powers: Powers, organization_id: int, state: State) -> Organization:
    """Suspend or lock an organisation, or let it work again.

    Raises:
        NotFound, NotPermitted, InUse
    """
    found = find_organization(powers, organization_id)
    demand(powers, Ability.CHANGE_ORGANIZATIONS, found)
    return organizations.set_state(organization_id=found.pk, state=state)


def remove(*, powers: Powers, organization_id: int) -> None:
    """Remove an organisation that has no domains.

    Raises:
        NotFound, NotPermitted, InUse
    """
    found = find_organization(powers, organization_id)
    demand(powers, Ability.CHANGE_ORGANIZATIONS, found)
    organizations.delete(organization_id=found.pk)
