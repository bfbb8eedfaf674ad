"""What organisations hold, and how much they may send."""

from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import sendlimits
from apps.api.doors import Door
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.organizations.forms import OrganizationSought, OrganizationUsage
from apps.api.organizations.views import ORDER, TAG, chosen
from apps.api.pages import page
from apps.api.sendlimits import LimitsForm, LimitsShown
from apps.directory.models import Organization, SendLimit
from apps.provisioning import holdings
from apps.provisioning.administration import organizations
from apps.provisioning.administration.sight import find_organization
from apps.provisioning.holdings import Held

_LIMITS: Final = Gives(LimitsShown, sendlimits.EXAMPLE)
_USAGE: Final = {
    "id": 7,
    "name": "Example Ltd",
    "domains": {"held": 2, "most": None},
    "users": {"held": 31, "most": 50},
    "storage": {"held": 155_000_000_000, "most": None},
    "used": 40_213_771_002,
    "messages": 402_118,
}


def shown(rows: Sequence[Organization]) -> list[dict[str, Any]]:
    """What they hold at this moment; two statements for all of them."""
    held = holdings.of_organizations([row.pk for row in rows])
    return [_one(row, held[row.pk]) for row in rows]


def _one(row: Organization, held: Held) -> dict[str, Any]:
    values = {
        "id": row.pk,
        "name": row.name,
        "domains": {"held": held.domains, "most": row.max_domains},
        "users": {"held": held.users, "most": row.max_users},
        "storage": {"held": held.given, "most": row.max_storage},
        "used": held.used,
        "messages": held.messages,
    }
    return dict(OrganizationUsage(values).data)


class Usages(Door):
    """Of all that are in sight."""

    resource = "organizations"

    @operation(
        "organizations_usage",
        "List what organisations hold",
        tag=TAG,
        more="Counted at this moment; for invoices, say.",
        seeks=OrganizationSought,
        gives=Lists(OrganizationUsage, _USAGE),
    )
    def get(self, request: Request) -> Response:
        sought = self.sought(OrganizationSought)
        return page(request, sought, chosen(self.powers, sought), ORDER, shown)


class Usage(Door):
    """Of one."""

    resource = "organizations"

    @operation(
        "organization_usage_show",
        "Show what an organisation holds",
        tag=TAG,
        gives=Gives(OrganizationUsage, _USAGE),
    )
    def get(self, request: Request, organization_id: int) -> Response:
        return self.shown(shown([find_organization(self.powers, organization_id)])[0])


class Limits(Door):
    """How much all users of an organisation may send together."""

    resource = "organizations"
    matches = frozenset({"PATCH"})

    @operation(
        "organization_limits_show",
        "Show how much an organisation may send",
        tag=TAG,
        gives=_LIMITS,
    )
    def get(self, request: Request, organization_id: int) -> Response:
        row = find_organization(self.powers, organization_id)
        return self.shown(sendlimits.shown(SendLimit.objects.filter(organization=row).first()))

    @operation(
        "organization_limits_change",
        "Say how much an organisation may send",
        tag=TAG,
        sends=Sends(LimitsForm, {"messages_per_day": 2_000}),
        gives=_LIMITS,
    )
    def patch(self, request: Request, organization_id: int) -> Response:
        asked = self.asked(LimitsForm, partial=True).validated_data
        rows = SendLimit.objects.filter(organization_id=organization_id)
        with transaction.atomic():
            find_organization(self.powers, organization_id)
            self.demand_unchanged(rows, lambda: sendlimits.shown(rows.first()))
            if asked:
                organizations.set_sending(
                    powers=self.powers, organization_id=organization_id, changes=asked
                )
            return self.shown(sendlimits.shown(rows.first()))
