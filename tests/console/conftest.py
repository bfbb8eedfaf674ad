"""Signed-in browsers of people with roles."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.sessions import SessionStore
from apps.directory.models import Domain, Means, Organization, Role, User
from apps.directory.services import roles
from apps.provisioning import services as provisioning
from apps.runtime.clock import now

PASSWORD = "correct horse battery"
SignIn = Callable[[User], Client]


@pytest.fixture
def domain(db: None) -> Domain:
    return provisioning.add_domain("example.test", organization="A")


@pytest.fixture
def other_domain(db: None) -> Domain:
    return provisioning.add_domain("other.test", organization="B")


def browser(user: User, *, proved: bool = True) -> Client:
    """A browser in which somebody has signed in just now."""
    client = Client()
    client.force_login(user, backend="apps.directory.backends.MailhostBackend")
    session = client.session
    assert isinstance(session, SessionStore)
    session.signed_in(means=Means.PASSWORD)
    if proved:
        session["proved"] = int(now())
    session.save()
    return client


def holder(
    address: str, role: Role, where: Domain | Organization | None = None, *, may_reset: bool = False
) -> User:
    """A person with a role."""
    if (
        role == Role.OPERATOR
        and not Domain.objects.filter(name=address.rpartition("@")[2]).exists()
    ):
        return provisioning.create_operator(address, PASSWORD)[0]
    user, _ = provisioning.add_user(address, PASSWORD)
    roles.grant(
        user=user,
        role=role,
        domain=where if isinstance(where, Domain) else None,
        organization=where if isinstance(where, Organization) else None,
        may_reset=may_reset,
    )
    return user


@pytest.fixture
def admin(domain: Domain) -> User:
    return holder("admin@example.test", Role.DOMAIN_ADMIN, domain)


@pytest.fixture
def helpdesk(domain: Domain) -> User:
    return holder("help@example.test", Role.HELPDESK, domain, may_reset=True)


@pytest.fixture
def operator(db: None) -> User:
    return holder("root@elsewhere.test", Role.OPERATOR)


@pytest.fixture
def ann(domain: Domain) -> User:
    return provisioning.add_user("ann@example.test", PASSWORD)[0]


@pytest.fixture
def zoe(other_domain: Domain) -> User:
    return provisioning.add_user("zoe@other.test", PASSWORD)[0]
