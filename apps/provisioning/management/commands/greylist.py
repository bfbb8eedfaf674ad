"""`manage.py greylist list|known|forget`: what doubtful mail waits for, and who is known."""

import ipaddress
from typing import Any

from apps.mime.address import AddressError, normalise_domain
from apps.provisioning.management.noun import Error, NounCommand
from apps.reception import queries
from apps.reception.networks import network_of
from apps.reception.services import forgetting


class Command(NounCommand):
    help = "Mail that was asked to come back (domain set --greylisting on), and senders known here."

    def add_verbs(self) -> None:
        listing = self.verb(
            "list", "List it: origin, sender, recipient, first, last, attempts, when it came back."
        )
        listing.add_argument("--waiting", action="store_true", help="only what has not come back")
        known = self.verb(
            "known", "List senders that mail was taken from: name, first, last, days, messages."
        )
        for one in (listing, known):
            one.add_argument(
                "--limit", type=int, default=1_000, metavar="N", help="at most so many (1000)"
            )
        forget = self.verb("forget", "Forget a sender: a domain, or an address or network.")
        forget.add_argument("name", metavar="DOMAIN|NETWORK")

    def do_list(self, options: dict[str, Any]) -> None:
        rows = queries.greylisted(waiting_only=options["waiting"], limit=max(options["limit"], 0))
        self.write_rows(options, rows, "origin sender recipient first last attempts passed")

    def do_known(self, options: dict[str, Any]) -> None:
        rows = queries.acquaintances(limit=max(options["limit"], 0))
        self.write_rows(options, rows, "name first last days messages")

    def do_forget(self, options: dict[str, Any]) -> None:
        name = _origin(options["name"])
        if not forgetting.forget(name):
            raise Error(f"Nothing is known of {name}.")
        self.report(options, f"{name} is forgotten.", name=name)


def _origin(text: str) -> str:
    """What rows call it: a network, or a domain as A-label."""
    try:
        return network_of(str(ipaddress.ip_interface(text).ip))
    except ValueError:
        pass
    try:
        return normalise_domain(text)
    except AddressError:
        raise Error(f"{text!r} is neither a domain nor a network.") from None
