"""`manage.py tls-policy list|set|remove|show|results`: what TLS other domains must have."""

# ruff: noqa: N999  (a command is named as it is typed)

import asyncio
import dataclasses
import json
from typing import Any

from apps.mime.address import AddressError, normalise_domain
from apps.provisioning import tlspolicies
from apps.provisioning.management.noun import Error, NounCommand
from apps.remote import explain, queries
from apps.remote.models import TlsMode
from apps.remote.services import DAY_SECONDS, KEEP_DAYS
from apps.runtime.clock import now

_DOMAIN = "such as example.org, or .example.org for all domains below it"
_MODES = (
    "none: never TLS; opportunistic: TLS if it works; encrypt: TLS, whoever answers; verify: TLS"
    " with a trusted certificate for the server's name; dane: DANE or nothing"
)


class Command(NounCommand):
    help = "TLS that is set for mail to other domains, in place of what they say themselves."

    def add_verbs(self) -> None:
        self.verb("list", "List what is set: domain, mode, names.")
        setting = self.verb("set", "Set the policy for a domain.")
        setting.add_argument("domain", metavar="DOMAIN", help=_DOMAIN)
        setting.add_argument("mode", metavar="MODE", choices=TlsMode.values, help=_MODES)
        setting.add_argument(
            "names", metavar="NAME", nargs="*", help="verify: what the certificate may say instead"
        )
        remove = self.verb("remove", "Go back to what the domain says itself.")
        remove.add_argument("domain", metavar="DOMAIN", help=_DOMAIN)
        show = self.verb("show", "Look up what mail to a domain would have, server by server.")
        show.add_argument("domain", metavar="DOMAIN")

        results = self.verb(
            "results", "List how TLS went: day, domain, policy, result, host, sessions, reason."
        )
        results.add_argument("domain", metavar="DOMAIN", nargs="?", help="only this one")
        results.add_argument(
            "--days",
            type=int,
            default=2,
            choices=range(1, KEEP_DAYS + 1),
            metavar="N",
            help="today and the days before, 2 if not said",
        )

    def do_list(self, options: dict[str, Any]) -> None:
        rows = [Row(one.domain, one.mode.value, list(one.names)) for one in queries.overrides()]
        self.write_rows(options, rows, "domain mode names")

    def do_set(self, options: dict[str, Any]) -> None:
        domain, mode = _destination(options["domain"]), TlsMode(options["mode"])
        names = [_domain(name) for name in options["names"]]
        tlspolicies.put(domain=domain, mode=mode, names=names)
        self.report(
            options, f"{mode} is set for {domain}.", domain=domain, mode=mode.value, names=names
        )

    def do_remove(self, options: dict[str, Any]) -> None:
        domain = _destination(options["domain"])
        tlspolicies.remove(domain=domain)
        self.report(options, f"Nothing is set for {domain} any more.", domain=domain)

    def do_show(self, options: dict[str, Any]) -> None:
        told = asyncio.run(explain.explain(_domain(options["domain"])))
        if options["json"]:
            self.stdout.write(json.dumps(dataclasses.asdict(told)))
            return
        for sentence in told.sources:
            self.stdout.write(sentence)
        for row in told.hosts:
            used = row.words if row.is_used else f"not used: {row.words}"
            self.stdout.write(f"{row.host}\t{row.why or '-'}\t{used}")

    def do_results(self, options: dict[str, Any]) -> None:
        domain = _domain(options["domain"]) if options["domain"] else ""
        since = now() // DAY_SECONDS - options["days"] + 1
        rows = queries.results(since=since, domain=domain)
        self.write_rows(options, rows, "day domain policy result host sessions reason")


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A line of the list."""

    domain: str
    mode: str
    names: list[str]


def _destination(text: str) -> str:
    """A domain, or with a dot before it all below one."""
    return f".{_domain(text[1:])}" if text.startswith(".") else _domain(text)


def _domain(text: str) -> str:
    try:
        domain = normalise_domain(text)
    except AddressError:
        domain = ""
    if not domain or domain.startswith("["):
        raise Error(f"{text!r} is no domain name.")
    return domain
