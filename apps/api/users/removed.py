"""Removed users, whose mail is kept for a while."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.forms import Shown, Sought, Text
from apps.api.operations import Gives, Lists, operation
from apps.api.pages import page
from apps.api.users.forms import LONGEST_ADDRESS, UserShown
from apps.api.users.shown import EXAMPLE, TAG, shown
from apps.api.users.views import UserDoor
from apps.directory.models import User
from apps.directory.permissions import Ability
from apps.directory.written import stored_address
from apps.mailstore.models import Usage
from apps.provisioning.administration import tombstones
from apps.provisioning.administration.sight import demand, find_user
from apps.provisioning.services import KEEP_DAYS
from apps.runtime.keyset import Column, Order
from apps.runtime.prefixes import beginning
from apps.wire.errors import NotFound

_ORDER: Final = Order(Column("removed_at", datetime, falls=True), Column("id", falls=True))


class RemovedSought(Sought):
    """Which removed users are listed."""

    address = Text(
        max_length=LONGEST_ADDRESS, required=False, help_text="Those who had this address."
    )
    begins = Text(
        max_length=LONGEST_ADDRESS, required=False, help_text="Those whose addresses began so."
    )


class RemovedShown(Shown):
    """A removed user."""

    id = serializers.IntegerField()
    address = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    removed_at = serializers.DateTimeField()
    kept_until = serializers.DateTimeField(help_text="Its mail goes for good then, or soon after.")
    used = serializers.IntegerField(help_text="Octets of its mail.")


_EXAMPLE: Final = {
    "id": 96,
    "address": "bob@example.org",
    "name": "Bob Baker",
    "removed_at": "2026-11-28T10:00:00Z",
    "kept_until": "2026-12-28T10:00:00Z",
    "used": 345_678_901,
}


class RemovedUsers(UserDoor):
    """All of them."""

    @operation(
        "removed_users_list",
        "List removed users",
        tag=TAG,
        more="Those who were removed last first.",
        seeks=RemovedSought,
        gives=Lists(RemovedShown, _EXAMPLE),
    )
    def get(self, request: Request) -> Response:
        demand(self.powers, Ability.RESTORE_USERS)
        sought = self.sought(RemovedSought)
        found = _chosen(tombstones.in_sight(self.powers), sought)
        return page(request, sought, found, _ORDER, _all)


def _chosen(found: QuerySet[User], sought: Mapping[str, Any]) -> QuerySet[User]:
    if "address" in sought:
        # What follows tells those of one address from each other.
        found = found.filter(beginning("key", f"{stored_address(sought['address'])}#"))
    if "begins" in sought:
        found = found.filter(beginning("key", stored_address(sought["begins"])))
    return found


def _all(rows: Sequence[User]) -> list[dict[str, Any]]:
    """One statement more."""
    sizes = Usage.objects.filter(user__in=[row.pk for row in rows])
    used = dict(sizes.values_list("user_id", "size"))
    return [_one(row, used.get(row.pk, 0)) for row in rows]


def _one(row: User, used: int) -> dict[str, Any]:
    assert row.removed_at is not None
    values = {
        "id": row.pk,
        "address": row.address,
        "name": row.name,
        "removed_at": row.removed_at,
        "kept_until": row.removed_at + timedelta(days=KEEP_DAYS),
        "used": used,
    }
    return dict(RemovedShown(values).data)


class RemovedUser(UserDoor):
    """One of them."""

    @operation(
        "removed_users_show", "Show a removed user", tag=TAG, gives=Gives(RemovedShown, _EXAMPLE)
    )
    def get(self, request: Request, user_id: int) -> Response:
        rows = list(tombstones.in_sight(self.powers).filter(pk=user_id))
        if not rows:
            raise NotFound(f"tombstone {user_id}", text="There is no such removed user")
        return self.shown(_all(rows)[0])


class Restoring(UserDoor):
    """Bringing one back."""

    @operation(
        "removed_users_restore",
        "Bring a removed user back",
        tag=TAG,
        more="With its mail and its password, without its roles.",
        gives=Gives(UserShown, EXAMPLE, status=201),
    )
    def post(self, request: Request, user_id: int) -> Response:
        row = tombstones.restore(powers=self.powers, user_id=user_id)
        back = shown(find_user(self.powers, row.pk))
        return self.made(back, reverse("api-user", args=[row.pk]))
