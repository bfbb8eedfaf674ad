"""Aliases, and groups, which are aliases with several targets."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.aliases.adding import EXAMPLE, add
from apps.api.aliases.forms import (
    AliasChange,
    AliasForm,
    AliasShown,
    AliasSought,
    TargetsForm,
)
from apps.api.aliases.shown import GROUP, SHOWN, TAG, shown
from apps.api.doors import Door
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.problems import Fault, Wrong, about
from apps.directory import permissions
from apps.directory.models import Alias, State
from apps.directory.permissions import Powers
from apps.directory.services.aliases import Pattern
from apps.provisioning import aliaslists
from apps.provisioning.administration import aliases
from apps.provisioning.administration.sight import find_alias
from apps.provisioning.aliaslists import Sort
from apps.wire.errors import (
    InvalidAddress,
    InvalidName,
    LimitReached,
)


class AliasDoor(Door):
    """What the doors to aliases have in common."""

    resource = "aliases"

    def one(self, alias_id: int) -> dict[str, Any]:
        """An alias in sight, as it is shown; raises NotFound."""
        return shown([find_alias(self.powers, alias_id)])[0]

    def unchanged(self, alias_id: int) -> None:
        """Of an alias in sight: locked, if the client says of which state it speaks."""
        find_alias(self.powers, alias_id)
        self.demand_unchanged(Alias.objects.filter(pk=alias_id), lambda: self.one(alias_id))


class Aliases(AliasDoor):
    """All of them that are in sight."""

    @operation(
        "aliases_list",
        "List aliases and groups",
        tag=TAG,
        more="Domain by domain, in the order of their addresses.",
        seeks=AliasSought,
        gives=Lists(AliasShown, SHOWN),
    )
    def get(self, request: Request) -> Response:
        sought = self.sought(AliasSought)
        found = _chosen(self.powers, sought).select_related("domain")
        order = aliaslists.OF_DOMAIN if "domain" in sought else aliaslists.ORDER
        return page(request, sought, found, order, shown)

    @operation(
        "aliases_create",
        "Add an alias or a group",
        tag=TAG,
        more="A group is an alias with several targets: its members.",
        sends=Sends(AliasForm, EXAMPLE),
        gives=Gives(AliasShown, SHOWN, status=201),
    )
    def post(self, request: Request) -> Response:
        asked = self.asked(AliasForm).validated_data
        row = add(self.powers, asked)
        return self.made(self.one(row.pk), reverse("api-alias", args=[row.pk]))


def _chosen(powers: Powers, sought: dict[str, Any]) -> QuerySet[Alias]:
    if "domain" in sought:
        found = _in_domain(powers, sought["domain"])
    else:
        found = permissions.aliases(powers)
    if "address" in sought:
        wanted = _pattern(sought["address"])
        found = found.filter(domain__name=wanted.domain, local=wanted.local)
    if "begins" in sought:
        found = found.filter(aliaslists.begins(sought["begins"]))
    if "target" in sought:
        found = found.filter(aliaslists.has_target(sought["target"]))
    if "kind" in sought:
        found = aliaslists.of_sort(found, Sort(sought["kind"]))
    return found.filter(state=sought["state"]) if "state" in sought else found


def _in_domain(powers: Powers, domain_id: int) -> QuerySet[Alias]:
    """Those of one domain. Whether it is in sight is asked before: in the statement itself it would
    lead planners away from the index."""
    is_seen = permissions.domains(powers).filter(pk=domain_id).exists()
    return Alias.objects.filter(domain=domain_id) if is_seen else Alias.objects.none()


def _pattern(text: str) -> Pattern:
    try:
        return Pattern.parse(text)
    except (InvalidAddress, InvalidName) as error:
        raise Wrong(Fault("?address", "invalid_address", error.reply.text), status=400) from None


class OneAlias(AliasDoor):
    """One of them."""

    matches = frozenset({"PATCH", "DELETE"})

    @operation("aliases_show", "Show an alias or a group", tag=TAG, gives=Gives(AliasShown, SHOWN))
    def get(self, request: Request, alias_id: int) -> Response:
        return self.shown(self.one(alias_id))

    @operation(
        "aliases_change",
        "Change an alias or a group",
        tag=TAG,
        more="For one member more or less of a large group there is `/targets`.",
        sends=Sends(AliasChange, {"targets": GROUP["targets"]}),
        gives=Gives(AliasShown, GROUP),
    )
    def patch(self, request: Request, alias_id: int) -> Response:
        asked = self.asked(AliasChange, partial=True).validated_data
        with transaction.atomic():
            self.unchanged(alias_id)
            if "targets" in asked:
                aliases.set_targets(powers=self.powers, alias_id=alias_id, targets=asked["targets"])
            if "state" in asked:
                aliases.set_state(
                    powers=self.powers, alias_id=alias_id, state=State(asked["state"])
                )
            return self.shown(self.one(alias_id))

    @operation("aliases_delete", "Remove an alias or a group", tag=TAG)
    def delete(self, request: Request, alias_id: int) -> Response:
        with transaction.atomic():
            self.unchanged(alias_id)
            aliases.remove(powers=self.powers, alias_id=alias_id)
        return self.gone()


class Targets(AliasDoor):
    """Where its mail goes: the members of a group."""

    @operation(
        "alias_targets_add",
        "Add targets to an alias, members to a group",
        tag=TAG,
        sends=Sends(TargetsForm, {"targets": ["bob@example.com"]}),
        gives=Gives(AliasShown, GROUP),
    )
    def post(self, request: Request, alias_id: int) -> Response:
        asked = self.asked(TargetsForm).validated_data
        with about("/targets", InvalidAddress, LimitReached):
            aliases.add_targets(powers=self.powers, alias_id=alias_id, targets=asked["targets"])
        return self.shown(self.one(alias_id))


class OneTarget(AliasDoor):
    """One of them."""

    @operation(
        "alias_targets_remove",
        "Remove a target of an alias, a member of a group",
        tag=TAG,
        more="In whatever case it is written. The last one stays: remove the alias itself.",
    )
    def delete(self, request: Request, alias_id: int, address: str) -> Response:
        aliases.remove_targets(powers=self.powers, alias_id=alias_id, targets=[address])
        return self.gone()
