"""On whom something is done: what a record of it says (`apps.audit`), and whose administrators may
read of it."""

from typing import TypedDict

from apps.directory.models import Domain, User
from apps.mime.address import Address, AddressError


class Subject(TypedDict):
    """Arguments of `audit.services.record`."""

    subject: str
    organization_id: int | None
    domain_id: int | None
    user_id: int | None


def of_user(user: User, subject: str = "") -> Subject:
    """Something of a user: itself, if no name of something else is given."""
    domain = user.domain
    return Subject(
        subject=subject or user.address,
        organization_id=None if domain is None else domain.organization_id,
        domain_id=user.domain_id,
        user_id=user.pk,
    )


def of_user_id(user_id: int, subject: str = "") -> Subject:
    """The same, of one who may be removed: of the domain that it was in, if that is still ours."""
    user = User.objects.select_related("domain").filter(pk=user_id).first()
    if user is None:
        return Subject(
            subject=subject or f"user {user_id}",
            organization_id=None,
            domain_id=None,
            user_id=user_id,
        )
    if user.domain is not None:
        return of_user(user, subject)
    found = of_address(user.address)
    found["subject"] = subject or user.address
    found["user_id"] = user_id
    return found


def of_address(address: str) -> Subject:
    """An address that may be no user's (any more): of its domain, if that is ours."""
    try:
        name = Address.parse(address).domain
    except AddressError:
        name = ""
    domain = Domain.objects.filter(name=name).first()
    if domain is None:
        return of_service(address)
    return of_domain(domain, address)


def of_domain(domain: Domain, subject: str = "") -> Subject:
    """Something of a domain: itself, if no name of something else is given."""
    return Subject(
        subject=subject or domain.name,
        organization_id=domain.organization_id,
        domain_id=domain.pk,
        user_id=None,
    )


def of_organization(organization_id: int, subject: str) -> Subject:
    """Something of a whole organisation."""
    return Subject(subject=subject, organization_id=organization_id, domain_id=None, user_id=None)


def of_service(subject: str) -> Subject:
    """Something of the whole installation: its operators alone may read of it."""
    return Subject(subject=subject, organization_id=None, domain_id=None, user_id=None)
