"""`manage.py delegation grant|list|revoke`."""

import dataclasses
from typing import Any

from apps.directory.services import delegations, users
from apps.provisioning import sending
from apps.provisioning.management.noun import NounCommand


class Command(NounCommand):
    help = "Who may send in whose name."

    def add_verbs(self) -> None:
        grant = self.verb("grant", "Let DELEGATE send in the name of OWNER.")
        grant.add_argument("owner", metavar="OWNER", help="a user or a shared mailbox")
        grant.add_argument("delegate", metavar="DELEGATE")
        grant.add_argument(
            "--send-as", action="store_true", help="as if it were the owner: nothing tells"
        )
        grant.add_argument(
            "--on-behalf", action="store_true", help="with the delegate named in Sender"
        )
        listing = self.verb("list", "List delegations: owner, delegate, send as, on behalf.")
        listing.add_argument("--owner", metavar="ADDRESS")
        listing.add_argument("--delegate", metavar="ADDRESS")
        revoke = self.verb("revoke", "Take it back.")
        revoke.add_argument("owner", metavar="OWNER")
        revoke.add_argument("delegate", metavar="DELEGATE")

    def do_grant(self, options: dict[str, Any]) -> None:
        row = sending.delegation_row(
            delegations.grant(
                owner=users.find(options["owner"]),
                delegate=users.find(options["delegate"]),
                send_as=options["send_as"],
                send_on_behalf=options["on_behalf"],
            )
        )
        how = "as" if row.send_as else "on behalf of"
        self.report(
            options,
            f"{row.delegate} may send {how} {row.owner}.",
            **dataclasses.asdict(row),
        )

    def do_list(self, options: dict[str, Any]) -> None:
        owner, delegate = (
            None if options[name] is None else users.find(options[name])
            for name in ("owner", "delegate")
        )
        rows = sending.delegation_rows(owner, delegate)
        self.write_rows(options, rows, "owner delegate send_as on_behalf")

    def do_revoke(self, options: dict[str, Any]) -> None:
        owner, delegate = users.find(options["owner"]), users.find(options["delegate"])
        delegations.revoke(owner=owner, delegate=delegate)
        self.report(
            options,
            f"{delegate.address} may no longer send in the name of {owner.address}.",
            owner=owner.address,
            delegate=delegate.address,
        )
