"""The ways that mail takes: TLS to other servers, transports, and where mail would go."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.doors import Door
from apps.api.forms import Sought
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.policies.filtering import TAG
from apps.api.policies.forms import (
    RouteShown,
    RouteSought,
    TlsPoliciesShown,
    TlsPolicyForm,
    TlsPolicyShown,
    TlsPolicySought,
    TransportForm,
    TransportShown,
    TransportSought,
)
from apps.api.problems import about
from apps.directory.models import Transport, TransportProtocol, TransportScope, TransportTls
from apps.directory.services import transports
from apps.directory.services.transports import Server
from apps.provisioning.administration import outbound, whereto
from apps.provisioning.administration.policies import demand_operator
from apps.remote import queries
from apps.remote.models import TlsMode
from apps.runtime.keyset import Column, Order
from apps.wire.errors import InvalidAddress, InvalidName, NotFound

ORDER: Final = Order(Column("pk"))
_TLS: Final = {"domain": "example.net", "mode": "verify", "names": []}
_TRANSPORT: Final = {
    "scope": "recipient",
    "domain": "example.net",
    "host": "smtp.example.com",
    "port": 587,
    "protocol": "smtp",
    "tls": "verify",
    "username": "example",
    "created_at": "2026-11-28T10:00:00Z",
}
_SENT: Final = {
    "scope": "recipient",
    "domain": "example.net",
    "host": "smtp.example.com",
    "port": 587,
    "tls": "verify",
    "username": "example",
    "password": "correct horse battery staple",
}
_STOP: Final = {
    "address": "sales@example.org",
    "text": "An alias has this address: sales@example.org",
    "rule": "alias",
    "leads_to": ["ann@example.org"],
    "is_hidden": False,
    "is_bad": False,
}


class Tls(Door):
    """What TLS mail to other domains must have: operators say it."""

    resource = "policies"

    @operation(
        "policies_tls_list",
        "List what TLS mail to other domains must have",
        tag=TAG,
        more="What operators have said instead of what the domains say themselves.",
        gives=Gives(TlsPoliciesShown, {"items": [_TLS]}),
    )
    def get(self, request: Request) -> Response:
        demand_operator(self.powers)
        return self.shown(dict(TlsPoliciesShown({"items": queries.overrides()}).data))

    @operation(
        "policies_tls_set",
        "Say what TLS mail to a domain must have",
        tag=TAG,
        sends=Sends(TlsPolicyForm, {"domain": "example.net", "mode": "verify"}),
        gives=Gives(TlsPolicyShown, _TLS),
    )
    def put(self, request: Request) -> Response:
        demand_operator(self.powers)
        asked = self.asked(TlsPolicyForm).validated_data
        with about("/domain", InvalidName):
            outbound.destination(asked["domain"])
        with about("/names", InvalidName):
            changed = outbound.set_tls(
                powers=self.powers,
                domain=asked["domain"],
                mode=TlsMode(asked["mode"]),
                names=asked["names"],
            )
        mode, names = changed.now
        values = {"domain": changed.name, "mode": mode, "names": list(names)}
        return self.shown(dict(TlsPolicyShown(values).data))

    @operation(
        "policies_tls_unset",
        "Let a domain say itself again what TLS its mail must have",
        tag=TAG,
        seeks=TlsPolicySought,
    )
    def delete(self, request: Request) -> Response:
        demand_operator(self.powers)
        domain = self.sought(TlsPolicySought)["domain"]
        with about("?domain", InvalidName):
            outbound.remove_tls(powers=self.powers, domain=domain)
        return self.gone()


class Transports(Door):
    """Servers to which mail is handed instead of those that MX records name: operators say it."""

    resource = "policies"

    @operation(
        "policies_transports_list",
        "List the servers to which mail is handed instead of those that MX records name",
        tag=TAG,
        more="For operators.",
        seeks=Sought,
        gives=Lists(TransportShown, _TRANSPORT),
    )
    def get(self, request: Request) -> Response:
        demand_operator(self.powers)
        found = Transport.objects.defer("secret")
        return page(
            request,
            self.sought(Sought),
            found,
            ORDER,
            lambda rows: [dict(TransportShown(row).data) for row in rows],
        )

    @operation(
        "policies_transports_set",
        "Hand mail to another server than the one that MX records name",
        tag=TAG,
        more="In place of the one that was named for the same mail before. A password is taken"
        " only where it travels safely.",
        sends=Sends(TransportForm, _SENT),
        gives=Gives(TransportShown, _TRANSPORT),
    )
    def put(self, request: Request) -> Response:
        demand_operator(self.powers)
        asked = self.asked(TransportForm).validated_data
        scope = TransportScope(asked["scope"])
        with about("/domain", InvalidName, NotFound):
            domain = transports.rule_domain(scope, asked["domain"])
        with about("/host", InvalidName):
            outbound.set_transport(
                powers=self.powers, scope=scope, domain=domain, server=_server(asked)
            )
        row = Transport.objects.defer("secret").get(scope=scope, domain=domain)
        return self.shown(dict(TransportShown(row).data))

    @operation(
        "policies_transports_unset",
        "Hand mail to the server that MX records name again",
        tag=TAG,
        seeks=TransportSought,
    )
    def delete(self, request: Request) -> Response:
        demand_operator(self.powers)
        asked = self.sought(TransportSought)
        with about("?domain", InvalidName):
            outbound.remove_transport(
                powers=self.powers, scope=TransportScope(asked["scope"]), domain=asked["domain"]
            )
        return self.gone()


def _server(asked: dict[str, Any]) -> Server:
    tls = asked.get("tls")
    return Server(
        host=asked["host"],
        port=asked.get("port"),
        protocol=TransportProtocol(asked["protocol"]),
        tls=None if tls is None else TransportTls(tls),
        username=asked["username"],
        password=asked["password"],
    )


class Route(Door):
    """Where mail would go."""

    resource = "policies"

    @operation(
        "policies_route_show",
        "Show where mail for an address would go",
        tag=TAG,
        more="Step by step, as it is now; nothing is sent. Where the way leaves your domains no"
        " more is told.",
        seeks=RouteSought,
        gives=Gives(
            RouteShown,
            {
                "address": "sales@example.org",
                "stops": [_STOP],
                "notes": [],
                "is_told_whole": True,
                "is_taken": True,
                "verdict": "Taken.",
                "mailboxes": ["ann@example.org"],
                "copies": [],
            },
        ),
    )
    def get(self, request: Request) -> Response:
        address = self.sought(RouteSought)["address"]
        with about("?address", InvalidAddress, NotFound):
            found = whereto.way(self.powers, address)
        return self.shown(dict(RouteShown(found).data))
