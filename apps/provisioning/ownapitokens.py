"""A user's tokens of the interface for programs as the user makes and sees them: the user is told
of each, and places have names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.directory import apitokens, permissions
from apps.directory.apitokens import SCOPES, KnownApiToken
from apps.directory.models import ApiToken, Domain, Organization, User
from apps.directory.permissions import Place, Powers
from apps.directory.services import apitokens as service
from apps.mime.address import AddressError, normalise_domain
from apps.provisioning.notices import About, tell
from apps.wire.errors import InvalidName


@dataclass(frozen=True, slots=True)
class Listed:
    """A token as its owner is shown it.

    Args:
        scopes: in their order.
        places: names; None for wherever its user may act.
    """

    token: KnownApiToken
    scopes: tuple[str, ...]
    places: tuple[str, ...] | None


def make(
    user: User,
    *,
    name: str,
    scopes: Iterable[str],
    places: Sequence[Organization | Domain] | None = None,
    networks: Iterable[str] = (),
    expires_at: datetime | None = None,
    by: KnownApiToken | None = None,
    client: str = "",
) -> tuple[ApiToken, str]:
    """Make one; return it, and its text: the only time it is seen.

    Args:
        client: the User-Agent of who asks.

    Raises:
        InvalidName, LimitReached, NotFound, NotPermitted: as `services.apitokens.issue`.
    """
    with transaction.atomic():
        row, text = service.issue(
            user=user,
            name=name,
            scopes=scopes,
            places=places,
            networks=networks,
            expires_at=expires_at,
            by=by,
        )
        tell(user, About.API_TOKEN_ADDED, detail=row.name, client=client)
    return row, text


def listed(user: User, powers: Powers) -> list[Listed]:
    """All of a user's, the newest first; names of places in two statements."""
    found = list(reversed(apitokens.of_user(user.pk)))
    names = _names(powers, [place for one in found for place in one.places or ()])
    return [
        Listed(
            token=one,
            scopes=tuple(scope for scope in SCOPES if scope in one.scopes),
            places=None if one.places is None else tuple(names[place] for place in one.places),
        )
        for one in found
    ]


def _names(powers: Powers, places: Sequence[Place]) -> dict[Place, str]:
    """What places are called, as far as they are in sight still."""
    if not places:
        return {}
    domain_ids = {one.domain_id for one in places if one.domain_id is not None}
    others = {one.organization_id or 0 for one in places if one.domain_id is None}
    domains = permissions.domains(powers).filter(pk__in=domain_ids)
    organizations = permissions.organizations(powers).filter(pk__in=others)
    names = dict(domains.values_list("pk", "name"))
    owners = dict(organizations.values_list("pk", "name"))
    gone = "a place that is out of your sight now"
    return {
        one: names.get(one.domain_id, gone)
        if one.domain_id is not None
        else owners.get(one.organization_id or 0, gone)
        for one in places
    }


def places_called(powers: Powers, words: Sequence[str]) -> list[Organization | Domain]:
    """The domains and organisations in sight that have these names; two statements.

    Raises:
        InvalidName: there is none of some name.
    """
    names = {word: _domain_name(word) for word in words}
    domains = permissions.domains(powers).filter(name__in=set(names.values()))
    of_domains = {one.name: one for one in domains}
    organizations = permissions.organizations(powers).filter(name__in=set(words))
    of_organizations = {one.name: one for one in organizations}
    found: list[Organization | Domain] = []
    for word, name in names.items():
        place = of_domains.get(name) or of_organizations.get(word)
        if place is None:
            raise InvalidName("places", text=f"You administer nothing called {word[:80]}")
        found.append(place)
    return found


def _domain_name(word: str) -> str:
    try:
        return normalise_domain(word)
    except AddressError:
        return ""
