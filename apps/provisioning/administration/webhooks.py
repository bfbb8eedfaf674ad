"""What administrators do with webhooks: those of an organisation, those of a domain, and an
operator those of the installation."""

from collections.abc import Collection
from typing import Any

from apps.directory.models import Domain, Organization
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration.sight import demand, find_domain, find_organization
from apps.webhooks import queries, sending
from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.services import deliveries, endpoints
from apps.webhooks.services.deliveries import Attempt
from apps.wire.errors import NotFound, NotPermitted


def add(
    *,
    powers: Powers,
    organization_id: int | None,
    domain_id: int | None,
    url: str,
    types: Collection[str] = (),
    description: str = "",
    is_enabled: bool = True,
) -> tuple[Endpoint, str]:
    """Set one up; neither an organisation nor a domain is the whole installation.

    Returns:
        The row, and its secret: the only time it is seen.

    Raises:
        NotFound, NotPermitted, InvalidName, LimitReached
    """
    return endpoints.add(
        place=_place(powers, organization_id, domain_id),
        url=url,
        types=types,
        description=description,
        is_enabled=is_enabled,
    )


def _place(
    powers: Powers, organization_id: int | None, domain_id: int | None
) -> Organization | Domain | None:
    where: Organization | Domain | None = None
    if domain_id is not None:
        where = find_domain(powers, domain_id)
    elif organization_id is not None:
        where = find_organization(powers, organization_id)
    elif not powers.is_operator:
        raise NotPermitted(
            "place", text="Name an organisation or a domain: operators alone watch everything"
        )
    demand(powers, Ability.RUN_WEBHOOKS, where)
    return where


def find(powers: Powers, endpoint_id: int) -> Endpoint:
    """One in sight; raises NotFound, also for who may set up none."""
    found = queries.endpoints(powers).filter(pk=endpoint_id).first()
    if found is None:
        raise NotFound(f"webhook {endpoint_id}", text="There is no such webhook")
    return found


def find_delivery(powers: Powers, endpoint_id: int, delivery_id: int) -> Delivery:
    """A delivery of one in sight; raises NotFound."""
    rows = queries.deliveries(find(powers, endpoint_id)).select_related(
        "event", "endpoint__organization", "endpoint__domain"
    )
    found = rows.filter(pk=delivery_id).first()
    if found is None:
        raise NotFound(f"delivery {delivery_id}", text="There is no such delivery")
    return found


def change(*, powers: Powers, endpoint_id: int, **changes: Any) -> Endpoint:
    """Change one (`endpoints.change`); raises NotFound, InvalidName."""
    return endpoints.change(row=find(powers, endpoint_id), **changes)


def renew_secret(*, powers: Powers, endpoint_id: int) -> str:
    """Another secret for one: the only time it is seen; raises NotFound."""
    return endpoints.renew_secret(row=find(powers, endpoint_id))


def remove(*, powers: Powers, endpoint_id: int) -> None:
    """Take one away; raises NotFound."""
    endpoints.remove(row=find(powers, endpoint_id))


def test(*, powers: Powers, endpoint_id: int) -> Attempt:
    """Send it a test and wait for the answer, ten seconds at the most; raises NotFound."""
    return sending.test(find(powers, endpoint_id))


def send_again(*, powers: Powers, endpoint_id: int, delivery_id: int) -> Delivery:
    """Have a delivery sent once more; raises NotFound."""
    found = find_delivery(powers, endpoint_id, delivery_id)
    deliveries.again(row=found)
    found.refresh_from_db()
    return found
