"""Role grants: the only door through which they change; `permissions.py` reads them."""

from apps.directory.models import Domain, Role, RoleGrant, User


def grant_operator(user: User) -> None:
    """Let the user run the whole installation. Twice is once."""
    RoleGrant.objects.get_or_create(user=user, role=Role.OPERATOR, organization=None, domain=None)


def grant_domain_admin(user: User, domain: Domain) -> None:
    """Let the user administer a domain, and get its postmaster's mail. Twice is once."""
    RoleGrant.objects.get_or_create(
        user=user, role=Role.DOMAIN_ADMIN, organization=None, domain=domain
    )
