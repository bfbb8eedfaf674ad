"""Reads of webhooks and events: what somebody may see of them."""

from django.db.models import Q, QuerySet

from apps.directory import permissions
from apps.directory.permissions import Ability, Powers
from apps.runtime.ulid import parse_ulid
from apps.webhooks.models import Delivery, Endpoint, Event
from apps.webhooks.services import interests

_PREFIX = "evt_"


def endpoints(powers: Powers) -> QuerySet[Endpoint]:
    """Those that belong where somebody may set up webhooks."""
    found = Endpoint.objects.select_related("organization", "domain")
    return found if powers.is_operator else found.filter(_where(powers))


def events(powers: Powers) -> QuerySet[Event]:
    """The same of events. In one place, which is what most have, an index gives them in their
    order."""
    if powers.is_operator:
        return Event.objects.all()
    given = [grant for grant in powers.grants if grant.allows(Ability.RUN_WEBHOOKS)]
    organizations = {grant.organization_id for grant in given} - {None}
    domains = {grant.domain_id for grant in given} - {None}
    if len(organizations) == 1 and not domains:
        return Event.objects.filter(organization_id=organizations.pop())
    if len(domains) == 1 and not organizations:
        return Event.objects.filter(domain_id=domains.pop())
    return Event.objects.filter(Q(organization_id__in=organizations) | Q(domain_id__in=domains))


def reach(powers: Powers) -> frozenset[int]:
    """The organisations whose events somebody may read (`interests.note`)."""
    if powers.is_operator:
        return frozenset({interests.EVERYTHING})
    domains = permissions.domains(powers, Ability.RUN_WEBHOOKS).order_by()
    organizations = permissions.organizations(powers, Ability.RUN_WEBHOOKS).order_by()
    found = frozenset(domains.values_list("organization_id", flat=True).distinct())
    return found | frozenset(organizations.values_list("pk", flat=True))


def _where(powers: Powers) -> Q:
    return Q(organization__in=permissions.organizations(powers, Ability.RUN_WEBHOOKS)) | Q(
        domain__in=permissions.domains(powers, Ability.RUN_WEBHOOKS)
    )


def deliveries(endpoint: Endpoint) -> QuerySet[Delivery]:
    """What went to an endpoint, or is on its way."""
    return Delivery.objects.filter(endpoint=endpoint).select_related("event")


def place_of(name: str) -> int | None:
    """The number of an event by the id that programs know; None if there is none, or no more."""
    uid = parse_ulid(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else None
    if uid is None:
        return None
    return Event.objects.filter(uid=uid).values_list("pk", flat=True).first()
