"""`manage.py factor list|reset`."""

from typing import Any

from apps.accounts import factors as reading
from apps.directory.services import users
from apps.provisioning import factors
from apps.provisioning.management.noun import NounCommand


class Command(NounCommand):
    help = "Second factors of users: authenticator apps, passkeys, recovery codes."

    def add_verbs(self) -> None:
        self.verb("list", "List a user's second factors; no secrets.").add_argument(
            "address", metavar="ADDRESS"
        )
        self.verb(
            "reset",
            "Remove all second factors of a user who has lost them. Every session ends; the"
            " password alone opens the next one. The user is told by mail.",
        ).add_argument("address", metavar="ADDRESS")

    def do_list(self, options: dict[str, Any]) -> None:
        rows = reading.all_of(users.find(options["address"]))
        self.write_rows(options, rows, "kind name created_at last_used_at")

    def do_reset(self, options: dict[str, Any]) -> None:
        user = users.find(options["address"])
        gone = factors.reset(user=user)
        words = "1 second factor is" if gone == 1 else f"{gone} second factors are"
        self.report(
            options,
            f"{user.address}: {words} gone. The password alone opens the next session.",
            address=user.address,
            removed=gone,
        )
