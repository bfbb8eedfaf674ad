"""`manage.py relay set|off|add|remove|replace|recipients`."""

import sys
from collections.abc import Iterator
from typing import Any, Final

from apps.directory.models import RelayCheck
from apps.directory.services import domains, relay
from apps.provisioning import queries
from apps.provisioning.management.noun import NounCommand

_CHECKS: Final = {
    "list": RelayCheck.LIST,
    "call-ahead": RelayCheck.CALL_AHEAD,
    "any": RelayCheck.ANY,
}
_LONGEST_LINE: Final = 1_000  # characters


class Command(NounCommand):
    help = "Domains whose mail goes on to another server, as far as nobody here takes it."

    def add_verbs(self) -> None:
        put = self.verb("set", "Make a domain of ours a relay domain.")
        put.add_argument("domain", metavar="DOMAIN")
        put.add_argument(
            "--check",
            choices=_CHECKS,
            default="call-ahead",
            help="how the other server's recipients are known: by a list kept here; by asking it"
            " while the client waits; or not at all, which makes bounces",
        )
        off = self.verb("off", "Let a domain have all its recipients here; its list is forgotten.")
        off.add_argument("domain", metavar="DOMAIN")
        for name, summary in (
            ("add", "Note that the other server has these recipients."),
            ("remove", "Note that it does not have them."),
        ):
            parser = self.verb(name, summary)
            parser.add_argument("domain", metavar="DOMAIN")
            parser.add_argument("recipients", metavar="ADDRESS", nargs="+")
        replace = self.verb("replace", "Read the whole list from standard input, one a line.")
        replace.add_argument("domain", metavar="DOMAIN")
        listing = self.verb("recipients", "Show the list.")
        listing.add_argument("domain", metavar="DOMAIN")

    def do_set(self, options: dict[str, Any]) -> None:
        domain = domains.find(options["domain"])
        relay.set_relay(domain=domain, check=_CHECKS[options["check"]])
        self.report(
            options,
            f"What nobody in {domain.name} takes here goes on to its other server. Where that is,"
            f" `manage.py transport set --to {domain.name}` says, else MX records of better"
            " preference than ours.",
            domain=domain.name,
            check=domain.relay_check,
        )

    def do_off(self, options: dict[str, Any]) -> None:
        domain = domains.find(options["domain"])
        relay.set_relay(domain=domain, check=None)
        self.report(
            options, f"{domain.name} has all its recipients here.", domain=domain.name, check=None
        )

    def do_add(self, options: dict[str, Any]) -> None:
        domain = domains.find(options["domain"])
        added = relay.add(domain=domain, recipients=options["recipients"])
        self.report(options, f"{added} new.", domain=domain.name, added=added)

    def do_remove(self, options: dict[str, Any]) -> None:
        domain = domains.find(options["domain"])
        removed = relay.remove(domain=domain, recipients=options["recipients"])
        self.report(options, f"{removed} removed.", domain=domain.name, removed=removed)

    def do_replace(self, options: dict[str, Any]) -> None:
        domain = domains.find(options["domain"])
        added, removed = relay.replace(domain=domain, recipients=_lines())
        self.report(
            options,
            f"{added} new, {removed} removed.",
            domain=domain.name,
            added=added,
            removed=removed,
        )

    def do_recipients(self, options: dict[str, Any]) -> None:
        self.write_rows(options, queries.relay_recipients(options["domain"]), "address")


def _lines() -> Iterator[str]:
    """The addresses on standard input; empty lines and comments are passed over."""
    while line := sys.stdin.readline(_LONGEST_LINE):
        text = line.strip()
        if text and not text.startswith("#"):
            yield text
