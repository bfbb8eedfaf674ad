"""Two tenants: A has example.test and second.test, B has other.test; and who administers them."""

from collections.abc import Callable

import pytest

from apps.directory.models import Domain, Organization, Role, User
from apps.directory.permissions import Powers, powers_of
from apps.directory.services import roles
from apps.provisioning import services as provisioning

PASSWORD = "correct horse battery"
Give = Callable[..., Powers]


@pytest.fixture
def domain(db: None) -> Domain:
    return provisioning.add_domain("example.test", organization="A")


@pytest.fixture
def second(domain: Domain) -> Domain:
    return provisioning.add_domain("second.test", organization="A")


@pytest.fixture
def other_domain(db: None) -> Domain:
    return provisioning.add_domain("other.test", organization="B")


@pytest.fixture
def operator(db: None) -> Powers:
    return powers_of(provisioning.create_operator("root@elsewhere.test", PASSWORD)[0])


@pytest.fixture
def admin(domain: Domain) -> Powers:
    """Of example.test, where it lives."""
    user, _ = provisioning.add_user("admin@example.test", PASSWORD, is_admin=True)
    return powers_of(user)


@pytest.fixture
def reseller(domain: Domain) -> Powers:
    """Of A."""
    user, _ = provisioning.add_user("seller@example.test", PASSWORD)
    roles.grant(user=user, role=Role.RESELLER, organization=domain.organization)
    return powers_of(user)


@pytest.fixture
def helpdesk(domain: Domain) -> Powers:
    """Of A, and it may reset."""
    user, _ = provisioning.add_user("help@example.test", PASSWORD)
    roles.grant(user=user, role=Role.HELPDESK, organization=domain.organization, may_reset=True)
    return powers_of(user)


def give(user: User, role: Role, where: Domain | Organization | None = None) -> Powers:
    """Give a role, as an operator does."""
    roles.grant(
        user=user,
        role=role,
        domain=where if isinstance(where, Domain) else None,
        organization=where if isinstance(where, Organization) else None,
    )
    return powers_of(user)
