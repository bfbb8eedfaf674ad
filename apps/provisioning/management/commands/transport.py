"""`manage.py transport set|list|remove`."""

from typing import Any

from django.core.management.base import CommandParser

from apps.directory.models import TransportProtocol, TransportScope, TransportTls
from apps.directory.services import transports
from apps.directory.services.transports import Server
from apps.provisioning import queries
from apps.provisioning.management.noun import NounCommand

_WAITING = "Mail that waits already goes there after `manage.py queue reroute`."


class Command(NounCommand):
    help = "Servers to which mail is handed instead of those that MX records name."

    def add_verbs(self) -> None:
        put = self.verb("set", "Set the transport of a rule.")
        _add_rule(put)
        put.add_argument("host", metavar="HOST", help="a name (its MX is not asked) or IP address")
        put.add_argument(
            "--port", type=int, metavar="NUMBER", help="25; 24 for LMTP; 465 for implicit TLS"
        )
        put.add_argument("--lmtp", action="store_true", help="speak LMTP (RFC 2033), not SMTP")
        put.add_argument(
            "--tls",
            choices=TransportTls.values,
            help="opportunistic if nothing is said, verify with a password; implicit: TLS from"
            " the first octet, verified",
        )
        put.add_argument("--username", default="", metavar="NAME", help="to sign in there with")
        put.add_argument(
            "--password-stdin", action="store_true", help="its password is read from standard input"
        )
        self.verb("list", "List them: rule, domain, server, TLS, user name.")
        remove = self.verb("remove", "Remove the transport of a rule.")
        _add_rule(remove)

    def do_set(self, options: dict[str, Any]) -> None:
        scope, domain = _rule(options)
        server = Server(
            host=options["host"],
            port=options["port"],
            protocol=TransportProtocol.LMTP if options["lmtp"] else TransportProtocol.SMTP,
            tls=TransportTls(options["tls"]) if options["tls"] else None,
            username=options["username"],
            password=self.read_password() if options["password_stdin"] else "",
        )
        row = transports.put(scope=scope, domain=domain, server=server)
        where = f"{row.protocol} to {row.host} port {row.port}, TLS {row.tls}"
        self.report(
            options,
            f"Mail {_words(scope, row.domain)} goes by {where}. {_WAITING}",
            scope=row.scope,
            domain=row.domain,
            protocol=row.protocol,
            host=row.host,
            port=row.port,
            tls=row.tls,
            username=row.username,
        )

    def do_list(self, options: dict[str, Any]) -> None:
        self.write_rows(options, queries.transports(), "scope domain server tls username")

    def do_remove(self, options: dict[str, Any]) -> None:
        scope, domain = _rule(options)
        row = transports.remove(scope=scope, domain=domain)
        self.report(
            options,
            f"The transport for mail {_words(scope, row.domain)} is removed. Mail that waits for"
            " it is routed anew.",
            scope=row.scope,
            domain=row.domain,
        )


def _add_rule(parser: CommandParser) -> None:
    rule = parser.add_mutually_exclusive_group(required=True)
    rule.add_argument(
        "--to",
        metavar="DOMAIN",
        help="for mail to a domain; .example.net is example.net and all domains below",
    )
    rule.add_argument(
        "--from", dest="sender", metavar="DOMAIN", help="for mail of a domain of ours"
    )
    rule.add_argument("--all", action="store_true", help="for all mail that no other rule takes")


def _rule(options: dict[str, Any]) -> tuple[TransportScope, str]:
    if options["to"] is not None:
        return TransportScope.RECIPIENT, options["to"]
    if options["sender"] is not None:
        return TransportScope.SENDER, options["sender"]
    return TransportScope.ALL, ""


def _words(scope: TransportScope, domain: str) -> str:
    return {
        TransportScope.RECIPIENT: f"to {domain}",
        TransportScope.SENDER: f"from {domain}",
        TransportScope.ALL: "to all other domains",
    }[scope]
