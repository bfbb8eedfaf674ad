"""One organisation as the console shows it: some statements, no matter how much it holds."""

from dataclasses import dataclass
from typing import Final

from django.urls import NoReverseMatch, reverse

from apps.console import rolelist
from apps.console.organizationlist import Holding, holdings
from apps.directory.models import Domain, Organization, SendLimit
from apps.directory.permissions import Ability, Powers

DOMAINS: Final = 20  # that the page names
ROLES: Final = 10


@dataclass(frozen=True, slots=True)
class DomainLine:
    """A domain of the organisation; `url` is "" where it has no page."""

    name: str
    state: str
    alias_of: str
    url: str


@dataclass(frozen=True, slots=True)
class OrganizationPage:
    """An organisation, and what is told of it.

    Args:
        holding: None while it is being counted.
        domains: the first by name; `more_domains` says that some are left out.
        roles: those of the organisation itself and of its domains, the first ones.
        may_change: whether who looks is an operator: resellers see, and change nothing.
    """

    organization: Organization
    holding: Holding | None
    domains: list[DomainLine]
    more_domains: str
    roles: list[rolelist.Line]
    has_more_roles: bool
    sending: SendLimit | None
    may_change: bool
    may_give: bool


def page_of(powers: Powers, found: Organization) -> OrganizationPage:
    """What somebody with these powers is shown of an organisation in sight."""
    holding = (holdings([found]) or {}).get(found.pk)
    domains = list(
        Domain.objects.filter(organization=found)
        .order_by("name")
        .values_list("pk", "name", "state", "alias_of__name")[: DOMAINS + 1]
    )
    grants = rolelist.roles(powers, rolelist.Wanted(), rolelist.within(powers, found))
    return OrganizationPage(
        organization=found,
        holding=holding,
        domains=[
            DomainLine(name, state, alias_of or "", _url(pk))
            for pk, name, state, alias_of in domains[:DOMAINS]
        ],
        more_domains=_more(holding) if len(domains) > DOMAINS else "",
        roles=grants.lines[:ROLES],
        has_more_roles=len(grants.lines) > ROLES,
        sending=SendLimit.objects.filter(organization=found).first(),
        may_change=powers.may(Ability.CHANGE_ORGANIZATIONS, found),
        may_give=powers.may(Ability.MAKE_HELPDESKS, found),
    )


def _more(holding: Holding | None) -> str:
    return "more" if holding is None else f"{holding.domains.held - DOMAINS} more"


def _url(domain_id: int) -> str:
    try:
        return reverse("console-domain", args=[domain_id])
    except NoReverseMatch:
        return ""
