"""What administrators do to roles: nobody gives, or takes, more than the own ones cover."""

from apps.directory import permissions
from apps.directory.models import Domain, Organization, Role, RoleGrant, User
from apps.directory.permissions import Ability, Powers
from apps.directory.services import roles
from apps.directory.services.domains import domain_name
from apps.provisioning.administration.sight import (
    find_addressed,
    find_domain,
    find_grant,
    find_named,
    find_organization,
    find_user,
)
from apps.provisioning.passwordmakers import maker_of
from apps.wire.errors import InUse, NotPermitted


def grant(
    *,
    powers: Powers,
    user_id: int,
    role: Role,
    organization_id: int | None = None,
    domain_id: int | None = None,
    may_reset: bool = False,
) -> RoleGrant:
    """Give a user in sight a role in an organisation or domain in sight.

    Raises:
        NotFound, NotPermitted, InvalidName, InUse, LimitReached
    """
    user = find_user(powers, user_id)
    organization: Organization | None = None
    domain: Domain | None = None
    if organization_id is not None:
        organization = find_organization(powers, organization_id, Ability.MAKE_HELPDESKS)
    if domain_id is not None:
        domain = find_domain(powers, domain_id)
    if user.pk == powers.user_id:
        raise NotPermitted("oneself", text="Nobody gives a role to oneself")
    where = organization or domain
    if not permissions.may_grant(powers, role, where, may_reset=may_reset):
        raise NotPermitted(f"grant {role}", text="Your own role does not reach that far")
    _demand_own_password(powers, user, role, where, may_reset=may_reset)
    return roles.grant(
        user=user, role=role, organization=organization, domain=domain, may_reset=may_reset
    )


def _demand_own_password(
    powers: Powers,
    user: User,
    role: Role,
    where: Organization | Domain | None,
    *,
    may_reset: bool,
) -> None:
    """Raise InUse if somebody who could not give the role has given the password: it would be a
    role for two."""
    maker = maker_of(user)
    if maker is None or maker.pk == powers.user_id:
        return
    if not permissions.may_grant(permissions.powers_of(maker), role, where, may_reset=may_reset):
        text = (
            f"{maker.address} gave {user.address} its password, and has less power than this role:"
            " let it be changed first"
        )
        raise InUse("known password", text=text)


def grant_to(
    *,
    powers: Powers,
    address: str,
    role: Role,
    organization_id: int | None = None,
    domain: str | None = None,
    may_reset: bool = False,
) -> RoleGrant:
    """The same by an address and a domain's name, as people write them.

    Raises:
        InvalidAddress, InvalidName, NotFound, NotPermitted, InUse, LimitReached
    """
    user = find_addressed(powers, address)
    where = None if domain is None else find_named(powers, domain_name(domain)).pk
    return grant(
        powers=powers,
        user_id=user.pk,
        role=role,
        organization_id=organization_id,
        domain_id=where,
        may_reset=may_reset,
    )


def revoke(*, powers: Powers, grant_id: int) -> None:
    """Take a role back, where one could give it; who has it may live elsewhere.

    Raises:
        NotFound, NotPermitted, InUse
    """
    found = find_grant(powers, grant_id)
    role, where = Role(found.role), found.organization or found.domain
    if not permissions.may_grant(powers, role, where):
        raise NotPermitted(f"revoke {role}", text="Your own role does not reach that far")
    roles.revoke(
        user=found.user,
        role=role,
        organization=found.organization,
        domain=found.domain,
    )
