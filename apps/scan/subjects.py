"""For whom a wish about the filter is, as a record of it says (`apps.audit`)."""

from apps.directory.models import Domain, Organization
from apps.directory.subjects import (
    Subject,
    of_domain,
    of_organization,
    of_service,
    of_user_id,
)
from apps.scan.scopes import Scope

_SERVER = "the server"


def of_scope(scope: Scope) -> Subject:
    """The server's, a domain's or a user's."""
    if scope.user_id is not None:
        return of_user_id(scope.user_id)
    if scope.domain_id is None:
        return of_service(_SERVER)
    return of_domain(Domain.objects.get(pk=scope.domain_id))


def of_domain_or_server(domain: Domain | None) -> Subject:
    """A domain's; the server's for None."""
    return of_service(_SERVER) if domain is None else of_domain(domain)


def of_owner(owner: int) -> Subject:
    """Who taught the filter: a user's id, or minus an organisation's."""
    if owner > 0:
        return of_user_id(owner)
    name = Organization.objects.filter(pk=-owner).values_list("name", flat=True).first()
    return of_organization(-owner, name or f"organisation {-owner}")
