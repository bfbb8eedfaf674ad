"""Organisations."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.doors import Door
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.organizations.forms import (
    OrganizationChange,
    OrganizationForm,
    OrganizationShown,
    OrganizationSought,
)
from apps.api.pages import page
from apps.api.problems import about
from apps.directory import permissions
from apps.directory.models import Organization, State
from apps.directory.permissions import Powers
from apps.provisioning.administration import organizations
from apps.provisioning.administration.sight import find_organization
from apps.runtime.keyset import Column, Order

TAG: Final = "Organisations"
ORDER: Final = Order(Column("id"))
EXAMPLE: Final = {"name": "Example Ltd", "max_users": 50}
SHOWN: Final = {
    "id": 7,
    "name": "Example Ltd",
    "state": "active",
    "max_domains": None,
    "max_users": 50,
    "max_storage": None,
    "created_at": "2026-11-28T10:00:00Z",
}


def shown(row: Organization) -> dict[str, Any]:
    """One as it is shown."""
    return dict(OrganizationShown(row).data)


def chosen(powers: Powers, sought: Mapping[str, Any]) -> QuerySet[Organization]:
    """Those in sight that are asked for."""
    found = permissions.organizations(powers)
    if "name" in sought:
        found = found.filter(name__icontains=sought["name"])
    return found.filter(state=sought["state"]) if "state" in sought else found


class Organizations(Door):
    """All of them that are in sight."""

    resource = "organizations"

    @operation(
        "organizations_list",
        "List organisations",
        tag=TAG,
        seeks=OrganizationSought,
        gives=Lists(OrganizationShown, SHOWN),
    )
    def get(self, request: Request) -> Response:
        sought = self.sought(OrganizationSought)
        found = chosen(self.powers, sought)
        return page(request, sought, found, ORDER, lambda rows: [shown(row) for row in rows])

    @operation(
        "organizations_create",
        "Add an organisation",
        tag=TAG,
        sends=Sends(OrganizationForm, EXAMPLE),
        gives=Gives(OrganizationShown, SHOWN, status=201),
    )
    def post(self, request: Request) -> Response:
        asked = self.asked(OrganizationForm).validated_data
        with about("/name"):
            row = organizations.add(powers=self.powers, **asked)
        return self.made(shown(row), reverse("api-organization", args=[row.pk]))


class OneOrganization(Door):
    """One of them."""

    resource = "organizations"
    matches = frozenset({"PATCH", "DELETE"})

    @operation(
        "organizations_show", "Show an organisation", tag=TAG, gives=Gives(OrganizationShown, SHOWN)
    )
    def get(self, request: Request, organization_id: int) -> Response:
        return self.shown(shown(find_organization(self.powers, organization_id)))

    @operation(
        "organizations_change",
        "Change an organisation",
        tag=TAG,
        sends=Sends(OrganizationChange, {"max_users": 80}),
        gives=Gives(OrganizationShown, SHOWN),
    )
    def patch(self, request: Request, organization_id: int) -> Response:
        asked = dict(self.asked(OrganizationChange, partial=True).validated_data)
        state = asked.pop("state", None)
        with transaction.atomic():
            row = self._unchanged(organization_id)
            if asked:
                with about("/name"):
                    row = organizations.change(
                        powers=self.powers, organization_id=organization_id, **asked
                    )
            if state is not None:
                row = organizations.set_state(
                    powers=self.powers, organization_id=organization_id, state=State(state)
                )
        return self.shown(shown(row))

    @operation("organizations_delete", "Remove an organisation that has no domains", tag=TAG)
    def delete(self, request: Request, organization_id: int) -> Response:
        with transaction.atomic():
            self._unchanged(organization_id)
            organizations.remove(powers=self.powers, organization_id=organization_id)
        return self.gone()

    def _unchanged(self, organization_id: int) -> Organization:
        row = find_organization(self.powers, organization_id)
        rows = Organization.objects.filter(pk=organization_id)
        self.demand_unchanged(rows, lambda: shown(rows.get()))
        return row
