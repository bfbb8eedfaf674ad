"""Who may do what. The one place that reads role grants."""

from apps.directory.models import Domain, Role, RoleGrant, User
from apps.directory.routing import Status, resolve
from apps.mime.address import Address


def may_send_as(user_id: int, address: Address) -> bool:
    """Whether a user may write as an address: whoever gets its mail may.

    So the own address, with any detail after the separator, in alias domains too; an alias, a
    wildcard or a catch-all that leads to the user, alone or with others; postmaster's address of a
    domain for its administrators. Never an address of a domain that is not hosted here.
    """
    resolution = resolve(address)
    return resolution.status is Status.LOCAL and any(
        user.user_id == user_id for user in resolution.users
    )


def is_operator(user: User) -> bool:
    """Whether the user runs the whole installation."""
    return RoleGrant.objects.filter(user_id=user.pk, role=Role.OPERATOR).exists()


def administers(user: User, domain: Domain) -> bool:
    """Whether the user may change the domain, its users and aliases."""
    grants = RoleGrant.objects.filter(user_id=user.pk)
    return (
        grants.filter(role=Role.OPERATOR).exists()
        or grants.filter(role=Role.DOMAIN_ADMIN, domain=domain).exists()
        or grants.filter(role=Role.DOMAIN_ADMIN, organization=domain.organization_id).exists()
    )
