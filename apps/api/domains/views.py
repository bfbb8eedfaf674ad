"""Domains."""

from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.domains.adding import NEW, add, look
from apps.api.domains.forms import (
    DomainChange,
    DomainForm,
    DomainRename,
    DomainShown,
    DomainSought,
    Removal,
    SourceForm,
)
from apps.api.domains.shown import EXAMPLE, TAG, shown
from apps.api.doors import Door
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.problems import about
from apps.directory import permissions
from apps.directory.models import Demand, Domain, State, Sternness, StsMode
from apps.directory.permissions import Ability, Powers
from apps.directory.services import dkim
from apps.directory.services.dkim import NewKeys
from apps.directory.services.domains import Reception, domain_name
from apps.directory.services.organizations import KEEP
from apps.directory.services.signinrules import SignInRules
from apps.directory.written import stored_domain
from apps.dnscheck import queries as dns
from apps.provisioning.administration import domains
from apps.provisioning.administration.sight import demand, find_domain
from apps.runtime.keyset import Column, Order
from apps.runtime.prefixes import beginning
from apps.wire.errors import AlreadyExists, InvalidName, LimitReached, NotFound

ORDER: Final = Order(Column("name", str))
GIVES: Final = Gives(DomainShown, EXAMPLE)
_RECEPTION: Final = {"dmarc_policy": Sternness, "list_policy": Sternness, "greylists": bool}
_SIGN_IN: Final = ("factor_demand", "factor_due_at", "password_length")


class DomainDoor(Door):
    """What the doors to domains have in common."""

    resource = "domains"

    def one(self, domain_id: int) -> dict[str, Any]:
        """A domain in sight, as it is shown; raises NotFound."""
        return shown(self.powers, [find_domain(self.powers, domain_id)])[0]

    def unchanged(self, domain_id: int) -> Domain:
        """A domain in sight, locked if the client says of which state it speaks."""
        row = find_domain(self.powers, domain_id)
        self.demand_unchanged(Domain.objects.filter(pk=domain_id), lambda: self.one(domain_id))
        return row


class Domains(DomainDoor):
    """All of them that are in sight."""

    _keys: NewKeys | None = None

    @operation(
        "domains_list",
        "List domains",
        tag=TAG,
        more="In the order of their names.",
        seeks=DomainSought,
        gives=Lists(DomainShown, EXAMPLE),
    )
    def get(self, request: Request) -> Response:
        sought = self.sought(DomainSought)
        found = chosen(self.powers, sought).select_related("alias_of")
        return page(request, sought, found, ORDER, lambda rows: shown(self.powers, rows))

    def ahead(self) -> None:
        look(self.powers, self.asked(DomainForm).validated_data)
        self._keys = dkim.prepare()

    @operation(
        "domains_create",
        "Host a domain",
        tag=TAG,
        more="It gets keys that sign its mail. What its DNS has to say is at `/dns`.",
        sends=Sends(DomainForm, NEW),
        gives=Gives(DomainShown, EXAMPLE, status=201),
    )
    def post(self, request: Request) -> Response:
        row = add(self.powers, self.asked(DomainForm).validated_data, self._keys)
        return self.made(self.one(row.pk), reverse("api-domain", args=[row.pk]))


def chosen(powers: Powers, sought: dict[str, Any]) -> QuerySet[Domain]:
    """Those in sight that are asked for."""
    found = permissions.domains(powers)
    if "name" in sought:
        found = found.filter(name=stored_domain(sought["name"]))
    if "begins" in sought:
        found = found.filter(beginning("name", stored_domain(sought["begins"])))
    if "organization" in sought:
        mine = permissions.organizations(powers).filter(pk=sought["organization"])
        found = found.filter(organization__in=mine.values("pk"))
    if "alias_of" in sought:
        found = found.filter(alias_of=sought["alias_of"])
    if "state" in sought:
        found = found.filter(state=sought["state"])
    needs_work = sought["needs_work"]
    if needs_work is None:
        return found
    wrong = dns.alarming(Domain.objects.all()).values("pk")
    return found.filter(pk__in=wrong) if needs_work else found.exclude(pk__in=wrong)


class OneDomain(DomainDoor):
    """One of them."""

    matches = frozenset({"PATCH", "DELETE"})

    @operation("domains_show", "Show a domain", tag=TAG, gives=GIVES)
    def get(self, request: Request, domain_id: int) -> Response:
        return self.shown(self.one(domain_id))

    @operation(
        "domains_change",
        "Change how a domain works",
        tag=TAG,
        sends=Sends(DomainChange, {"greylists": True, "default_quota": 10_000_000_000}),
        gives=GIVES,
    )
    def patch(self, request: Request, domain_id: int) -> Response:
        asked = dict(self.asked(DomainChange, partial=True).validated_data)
        with transaction.atomic():
            self.unchanged(domain_id)
            state, mode = asked.pop("state", None), asked.pop("sts_mode", None)
            if state is not None:
                domains.set_state(powers=self.powers, domain_id=domain_id, state=State(state))
            if mode is not None:
                domains.set_sts(powers=self.powers, domain_id=domain_id, mode=StsMode(mode))
            if asked:
                domains.change_policies(
                    powers=self.powers, domain_id=domain_id, **self._policies(domain_id, asked)
                )
            return self.shown(self.one(domain_id))

    def _policies(self, domain_id: int, asked: dict[str, Any]) -> dict[str, Any]:
        """As the service takes them."""
        reception = {name: kind(asked[name]) for name, kind in _RECEPTION.items() if name in asked}
        rules = None
        if any(name in asked for name in _SIGN_IN):
            rules = _sign_in(find_domain(self.powers, domain_id), asked)
        return {
            "separator": asked.get("detail_separator"),
            "default_quota": asked.get("default_quota", KEEP),
            "adds_sender": asked.get("adds_sender"),
            "digest": asked.get("digest"),
            "reception": Reception(**reception) if reception else None,
            "sign_in": rules,
        }

    @operation(
        "domains_delete",
        "Stop hosting a domain",
        tag=TAG,
        more="One that has users goes with `force` alone: their mail is kept for a while.",
        seeks=Removal,
    )
    def delete(self, request: Request, domain_id: int) -> Response:
        force = self.sought(Removal)["force"]
        with transaction.atomic():
            self.unchanged(domain_id)
            domains.remove(powers=self.powers, domain_id=domain_id, force=force)
        return self.gone()


def _sign_in(row: Domain, asked: dict[str, Any]) -> SignInRules:
    """Demand and day are written together: what is not sent is as it is now."""
    demands = "factor_demand" in asked or "factor_due_at" in asked
    length = asked.get("password_length", 0) or 0
    return SignInRules(
        factor_demand=Demand(asked.get("factor_demand", row.factor_demand)) if demands else None,
        factor_due_at=asked.get("factor_due_at", row.factor_due_at) if demands else None,
        password_length=length if "password_length" in asked else None,
    )


class Renaming(DomainDoor):
    """Another name for a domain."""

    _keys: NewKeys | None = None

    def ahead(self) -> None:
        with about("/name"):
            domain_name(self.asked(DomainRename).validated_data["name"])
        row = find_domain(self.powers, self.kwargs["domain_id"])
        demand(self.powers, Ability.REMOVE_DOMAINS, row)
        self._keys = dkim.prepare()

    @operation(
        "domains_rename",
        "Give a domain, and all its users, another name",
        tag=TAG,
        more="It gets new keys: what the DNS of the new name has to say is at `/dns`.",
        sends=Sends(DomainRename, {"name": "example.net"}),
        gives=GIVES,
    )
    def post(self, request: Request, domain_id: int) -> Response:
        asked = self.asked(DomainRename).validated_data
        find_domain(self.powers, domain_id)
        with about("/name", InvalidName, AlreadyExists, LimitReached):
            domains.rename(powers=self.powers, domain_id=domain_id, keys=self._keys, **asked)
        return self.shown(self.one(domain_id))


class Settings(DomainDoor):
    """The settings of another domain."""

    @operation(
        "domains_copy",
        "Give a domain the settings of another one",
        tag=TAG,
        sends=Sends(SourceForm, {"domain": "example.com"}),
        gives=GIVES,
    )
    def post(self, request: Request, domain_id: int) -> Response:
        source = self.asked(SourceForm).validated_data["domain"]
        find_domain(self.powers, domain_id)
        with about("/domain", InvalidName, NotFound):
            domains.copy_settings(powers=self.powers, domain_id=domain_id, source=source)
        return self.shown(self.one(domain_id))
