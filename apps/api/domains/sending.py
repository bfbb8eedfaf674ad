"""How much a domain may send, and by which servers its mail goes."""

from typing import Any, Final

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import sendlimits
from apps.api.domains.forms import LONGEST_NAME
from apps.api.domains.shown import TAG
from apps.api.domains.views import DomainDoor
from apps.api.forms import Shown, Text
from apps.api.operations import Gives, Sends, operation
from apps.api.problems import about
from apps.api.sendlimits import LimitsForm, LimitsShown
from apps.api.servers import ServerForm, ServerShown
from apps.directory.models import (
    DomainKind,
    RelayCheck,
    SendLimit,
    Transport,
    TransportScope,
    TransportTls,
)
from apps.directory.services.transports import Server
from apps.provisioning.administration import sending, servers
from apps.provisioning.administration.sight import find_domain
from apps.wire.errors import InvalidName, NotFound

_LIMITS: Final = Gives(LimitsShown, sendlimits.EXAMPLE)


class RelayForm(ServerForm):
    """The server behind a relay domain."""

    host = Text(
        max_length=LONGEST_NAME,
        required=False,
        help_text="Without: the one that was named before, or that its MX records name.",
    )
    check = serializers.ChoiceField(
        RelayCheck.choices,
        help_text="How its recipients are known: `list`: named here; `call_ahead`: that server is"
        " asked; `any`: all are taken.",
    )


class RelayShown(Shown):
    """How mail for a relay domain is handed on."""

    check = serializers.ChoiceField(RelayCheck.choices)
    server = ServerShown(allow_null=True, help_text="null: that its MX records name.")


_SERVER: Final = {"host": "smtp.example.net", "port": 587, "tls": "verify", "username": "example"}


class Limits(DomainDoor):
    """How much all users of a domain may send together."""

    matches = frozenset({"PATCH"})

    @operation("domain_limits_show", "Show how much a domain may send", tag=TAG, gives=_LIMITS)
    def get(self, request: Request, domain_id: int) -> Response:
        row = find_domain(self.powers, domain_id)
        return self.shown(sendlimits.shown(SendLimit.objects.filter(domain=row).first()))

    @operation(
        "domain_limits_change",
        "Say how much a domain may send",
        tag=TAG,
        sends=Sends(LimitsForm, {"messages_per_day": 2_000}),
        gives=_LIMITS,
    )
    def patch(self, request: Request, domain_id: int) -> Response:
        asked = self.asked(LimitsForm, partial=True).validated_data
        rows = SendLimit.objects.filter(domain_id=domain_id)
        with transaction.atomic():
            find_domain(self.powers, domain_id)
            self.demand_unchanged(rows, lambda: sendlimits.shown(rows.first()))
            if asked:
                sending.set_limits(powers=self.powers, domain_id=domain_id, changes=asked)
            return self.shown(sendlimits.shown(rows.first()))


class Smarthost(DomainDoor):
    """The server that a domain's mail goes through: operators say which."""

    @operation(
        "domain_smarthost_show",
        "Show the server that a domain's mail goes through",
        tag=TAG,
        gives=Gives(ServerShown, _SERVER),
    )
    def get(self, request: Request, domain_id: int) -> Response:
        row = _server(find_domain(self.powers, domain_id).name, TransportScope.SENDER)
        if row is None:
            raise NotFound("smarthost", text="Mail of this domain goes as that of any other")
        return self.shown(dict(ServerShown(row).data))

    @operation(
        "domain_smarthost_set",
        "Send a domain's mail through another server",
        tag=TAG,
        sends=Sends(ServerForm, {**_SERVER, "password": "correct horse battery staple"}),
        gives=Gives(ServerShown, _SERVER),
    )
    def put(self, request: Request, domain_id: int) -> Response:
        asked = self.asked(ServerForm).validated_data
        with _about_server():
            servers.set_smarthost(
                powers=self.powers, domain_id=domain_id, server=_asked_server(asked)
            )
        return self.get(request, domain_id)

    @operation("domain_smarthost_delete", "Send a domain's mail as that of any other", tag=TAG)
    def delete(self, request: Request, domain_id: int) -> Response:
        servers.remove_smarthost(powers=self.powers, domain_id=domain_id)
        return self.gone()


class Relay(DomainDoor):
    """The server that mail for a domain is handed on to: operators say which."""

    @operation(
        "domain_relay_show",
        "Show where mail for a domain is handed on to",
        tag=TAG,
        gives=Gives(RelayShown, {"check": "call_ahead", "server": _SERVER}),
    )
    def get(self, request: Request, domain_id: int) -> Response:
        domain = find_domain(self.powers, domain_id)
        if domain.kind != DomainKind.RELAY:
            raise NotFound("relay", text="All mailboxes of this domain are here")
        row = _server(domain.name, TransportScope.RECIPIENT)
        return self.shown(dict(RelayShown({"check": domain.relay_check, "server": row}).data))

    @operation(
        "domain_relay_set",
        "Hand mail for a domain on to another server",
        tag=TAG,
        sends=Sends(RelayForm, {"check": "call_ahead", "host": "inside.example.org"}),
        gives=Gives(RelayShown, {"check": "call_ahead", "server": _SERVER}),
    )
    def put(self, request: Request, domain_id: int) -> Response:
        asked = self.asked(RelayForm).validated_data
        server = _asked_server(asked) if "host" in asked else None
        with _about_server():
            servers.set_relay(
                powers=self.powers,
                domain_id=domain_id,
                check=RelayCheck(asked["check"]),
                server=server,
            )
        return self.get(request, domain_id)

    @operation("domain_relay_delete", "Keep all mailboxes of a domain here", tag=TAG)
    def delete(self, request: Request, domain_id: int) -> Response:
        servers.set_relay(powers=self.powers, domain_id=domain_id, check=None)
        return self.gone()


def _about_server() -> Any:
    return about("/host", InvalidName)


def _server(domain: str, scope: TransportScope) -> Transport | None:
    return Transport.objects.filter(domain=domain, scope=scope).first()


def _asked_server(asked: dict[str, Any]) -> Server:
    tls = asked.get("tls")
    return Server(
        host=asked["host"],
        port=asked.get("port"),
        tls=None if tls is None else TransportTls(tls),
        username=asked["username"],
        password=asked["password"],
    )
