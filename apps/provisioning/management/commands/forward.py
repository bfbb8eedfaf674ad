"""`manage.py forward add|list|remove`."""

from typing import Any

from apps.provisioning import forwarding, queries
from apps.provisioning.management.noun import NounCommand


class Command(NounCommand):
    help = "Users' mail that is sent on to other addresses."

    def add_verbs(self) -> None:
        add = self.verb("add", "Ask an address by mail whether a user's mail may be sent on to it.")
        add.add_argument("user", metavar="USER")
        add.add_argument("target", metavar="TARGET", help="an address, here or outside")
        add.add_argument(
            "--no-copy", action="store_true", help="the user's own mailbox gets no copy"
        )
        add.add_argument(
            "--agreed", action="store_true", help="do not ask: the target has agreed otherwise"
        )
        listing = self.verb("list", "List forwards: user, target, copy, state.")
        listing.add_argument("--user", metavar="USER", help="only those of this user")
        remove = self.verb("remove", "End a forward, or take the question back.")
        remove.add_argument("user", metavar="USER")
        remove.add_argument("target", metavar="TARGET")

    def do_add(self, options: dict[str, Any]) -> None:
        put = forwarding.add if options["agreed"] else forwarding.ask
        row = put(options["user"], options["target"], keeps_copy=not options["no_copy"])
        sentence = (
            f"Mail for {row.user} is sent on to {row.address}."
            if row.confirmed_at
            else f"{row.address} is asked by mail; nothing is sent on until it agrees."
        )
        self.report(
            options,
            sentence,
            user=row.user.address,
            target=row.address,
            copy=row.keeps_copy,
            agreed=row.confirmed_at is not None,
        )

    def do_list(self, options: dict[str, Any]) -> None:
        rows = queries.forwards(user=options["user"])
        self.write_rows(options, rows, "user target copy state")

    def do_remove(self, options: dict[str, Any]) -> None:
        forwarding.remove(options["user"], options["target"])
        self.report(
            options,
            f"Nothing is sent on to {options['target']} any more.",
            user=options["user"],
            target=options["target"],
        )
