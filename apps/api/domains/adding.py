"""Adding a domain: its keys are made first, in no transaction."""

from collections.abc import Mapping
from typing import Any, Final

from apps.api.problems import about
from apps.directory import permissions
from apps.directory.models import Domain
from apps.directory.permissions import Ability, Powers
from apps.directory.services.dkim import NewKeys
from apps.directory.services.domains import domain_name
from apps.provisioning.administration import domains
from apps.provisioning.administration.sight import demand
from apps.wire.errors import AlreadyExists, InvalidName, LimitReached, NotFound

NEW: Final = {"name": "example.org", "organization": 7}


def look(powers: Powers, asked: Mapping[str, Any]) -> None:
    """Raise what is wrong with a `DomainForm` and can be seen before keys are made; one statement.

    Raises:
        NotPermitted, and what is wrong with a field
    """
    demand(powers, Ability.ADD_DOMAINS)
    with about("/name"):
        name = domain_name(asked["name"])
        if permissions.domains(powers).filter(name=name).exists():
            words = f"The domain {name} is hosted here already"
            raise AlreadyExists(f"domain {name}", text=words)


def add(powers: Powers, asked: Mapping[str, Any], keys: NewKeys | None) -> Domain:
    """Add one (a `DomainForm`), in one transaction or in the caller's.

    Raises:
        NotPermitted, and what is wrong with a field
    """
    owner, target = asked.get("organization"), asked.get("alias_of")
    place = "/organization" if target is None else "/alias_of"
    # The innermost one that knows a failure has it.
    with (
        about("/name", InvalidName, AlreadyExists, LimitReached),
        about(place, NotFound, domains.OrganizationNeeded),
    ):
        return domains.add(
            powers=powers,
            name=asked["name"],
            organization_id=owner,
            alias_of=target,
            keys=keys,
        )
