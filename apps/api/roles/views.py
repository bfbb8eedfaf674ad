"""Roles: who administers what."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.doors import Door
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.problems import about, fields
from apps.api.roles.forms import RoleForm, RoleShown, RoleSought
from apps.directory import permissions
from apps.directory.models import Role, RoleGrant
from apps.directory.permissions import Powers
from apps.directory.written import stored_address
from apps.provisioning.administration import roles
from apps.provisioning.administration.sight import (
    find_addressed,
    find_grant,
    grants_in_sight,
    grants_within,
)
from apps.runtime.keyset import Column, Order
from apps.wire.errors import InvalidAddress, NotFound

TAG: Final = "Roles"
ORDER: Final = Order(Column("pk"))
SHOWN: Final = {
    "id": 5,
    "user": 41,
    "address": "alice@example.org",
    "role": "domain_admin",
    "organization": None,
    "domain": 12,
    "place": "example.org",
    "may_reset": False,
    "may_revoke": True,
}
EXAMPLE: Final = {"address": "alice@example.org", "role": "domain_admin", "domain": 12}
# What is wrong, as the service has it, and the field of which that is said.
_FIELDS: Final = {
    "scope": "/role",
    "may_reset": "/may_reset",
    "alias domain": "/domain",
    "no person": "/address",
    "oneself": "/address",
    "grants": "/address",
    "known password": "/address",
}


def shown(powers: Powers, rows: Sequence[RoleGrant]) -> list[dict[str, Any]]:
    """Roles of which user, organisation and domain were read too; one statement."""
    holders = permissions.users(powers).filter(pk__in={row.user_id for row in rows})
    known = set(holders.values_list("pk", flat=True))
    return [_one(powers, row, is_known=row.user_id in known) for row in rows]


def _one(powers: Powers, row: RoleGrant, *, is_known: bool) -> dict[str, Any]:
    where = row.organization or row.domain
    values = {
        "id": row.pk,
        "user": row.user_id if is_known else None,
        "address": row.user.address,
        "role": row.role,
        "organization": row.organization_id,
        "domain": row.domain_id,
        "place": "" if where is None else where.name,
        "may_reset": row.may_reset,
        "may_revoke": permissions.may_grant(powers, Role(row.role), where),
    }
    return dict(RoleShown(values).data)


class RoleDoor(Door):
    """What the doors to roles have in common."""

    resource = "roles"

    def one(self, grant_id: int) -> dict[str, Any]:
        """A role in sight, as it is shown; raises NotFound."""
        return shown(self.powers, [find_grant(self.powers, grant_id)])[0]


class Roles(RoleDoor):
    """All of them that are in sight."""

    @operation(
        "roles_list",
        "List roles",
        tag=TAG,
        more="In the order in which they were given.",
        seeks=RoleSought,
        gives=Lists(RoleShown, SHOWN),
    )
    def get(self, request: Request) -> Response:
        sought = self.sought(RoleSought)
        found = _chosen(self.powers, sought).select_related(
            "user", "organization", "domain__organization"
        )
        return page(request, sought, found, ORDER, lambda rows: shown(self.powers, rows))

    @operation(
        "roles_grant",
        "Give a user a role",
        tag=TAG,
        more="Nobody gives more than they have. A role that the user has already is as before, with"
        " the last word on `may_reset`.",
        sends=Sends(RoleForm, EXAMPLE),
        gives=Gives(RoleShown, SHOWN, status=201),
    )
    def post(self, request: Request) -> Response:
        asked = self.asked(RoleForm).validated_data
        with about("/address", InvalidAddress, NotFound):
            user = find_addressed(self.powers, asked["address"])
        place = "/domain" if "domain" in asked else "/organization"
        with about(place, NotFound), fields(_FIELDS):
            row = roles.grant(
                powers=self.powers,
                user_id=user.pk,
                role=Role(asked["role"]),
                organization_id=asked.get("organization"),
                domain_id=asked.get("domain"),
                may_reset=asked["may_reset"],
            )
        return self.made(self.one(row.pk), reverse("api-role", args=[row.pk]))


def _chosen(powers: Powers, sought: dict[str, Any]) -> QuerySet[RoleGrant]:
    found = grants_in_sight(powers)
    if "address" in sought:
        found = found.filter(user__key=stored_address(sought["address"]))
    if "user" in sought:
        # Of who is out of sight the number is not told either.
        found = found.filter(user__in=permissions.users(powers).filter(pk=sought["user"]))
    if "role" in sought:
        found = found.filter(role=sought["role"])
    if "organization" in sought:
        mine = permissions.organizations(powers).filter(pk=sought["organization"])
        found = grants_within(found, mine)
    if "domain" in sought:
        found = found.filter(domain=sought["domain"])
    return found


class OneRole(RoleDoor):
    """One of them."""

    @operation("roles_show", "Show a role", tag=TAG, gives=Gives(RoleShown, SHOWN))
    def get(self, request: Request, grant_id: int) -> Response:
        return self.shown(self.one(grant_id))

    @operation(
        "roles_revoke",
        "Take a role back",
        tag=TAG,
        more="What its holder gave to others stays. The last operator's stays too.",
    )
    def delete(self, request: Request, grant_id: int) -> Response:
        roles.revoke(powers=self.powers, grant_id=grant_id)
        return self.gone()
