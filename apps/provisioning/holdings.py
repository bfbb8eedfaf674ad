"""How much organisations and domains hold: what is counted against limits, and what mail takes.

The box that a domain has for its postmaster takes no place (`directory.services.capacity`);
mail in it takes space like any other.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, Sum

from apps.directory.models import Alias, Domain, User
from apps.directory.services.capacity import OWN_BOX

_COUNTED: Final = ~Q(OWN_BOX)


@dataclass(frozen=True, slots=True)
class Held:
    """What is held; sizes in octets.

    Args:
        domains: of an organisation, alias domains too; of a domain those that stand for it.
        users: people, shared mailboxes, resources.
        given: the sum of their quotas; what the limit of storage counts.
        used: what their mail takes.
        messages: how many these are.
    """

    domains: int = 0
    users: int = 0
    given: int = 0
    used: int = 0
    messages: int = 0


def of_organizations(ids: Collection[int]) -> dict[int, Held]:
    """Of each; two statements."""
    rows = Domain.objects.filter(organization__in=ids)
    return _held(ids, _numbers(rows, "organization_id"), "domain__organization_id")


def of_domains(ids: Collection[int]) -> dict[int, Held]:
    """Of each; two statements. An alias domain has no users."""
    rows = Domain.objects.filter(alias_of__in=ids)
    return _held(ids, _numbers(rows, "alias_of_id"), "domain_id")


def aliases_of(ids: Collection[int]) -> dict[int, int]:
    """How many aliases and groups domains have, where there are any; one statement."""
    return _numbers(Alias.objects.filter(domain__in=ids), "domain_id")


def _numbers(rows: QuerySet[Any], by: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(by).annotate(Count("pk")))


def _held(ids: Collection[int], domains: dict[int, int], by: str) -> dict[int, Held]:
    """With what users there hold, who are counted by that column."""
    living = User.objects.living().filter(**{f"{by.removesuffix('_id')}__in": ids})
    rows = living.order_by().values_list(by)
    counted = rows.annotate(
        places=Count("pk", filter=_COUNTED),
        given=Sum("quota", filter=_COUNTED),
        used=Sum("usage__size"),
        mails=Sum("usage__messages"),
    )
    sums = {pk: [int(one or 0) for one in counts] for pk, *counts in counted}
    return {pk: Held(domains.get(pk, 0), *sums.get(pk, ())) for pk in ids}
