"""`manage.py apppassword add|list|remove`."""

from typing import Any

from apps.directory.apppasswords import PROTOCOLS
from apps.directory.services import apppasswords, users
from apps.provisioning import sending
from apps.provisioning.management.noun import (
    NounCommand,
    add_name_or_all,
    last_day,
    name_or_all,
)


class Command(NounCommand):
    help = "Passwords of users for one program or device each."

    def add_verbs(self) -> None:
        add = self.verb("add", "Make an app password. It is shown once.")
        add.add_argument("address", metavar="ADDRESS")
        add.add_argument("name", metavar="NAME", help="such as Phone")
        add.add_argument(
            "--protocol",
            metavar="PROTOCOL",
            action="append",
            default=[],
            choices=PROTOCOLS,
            help="it opens nothing else; may be given again (default: imap, pop3 and smtp)",
        )
        add.add_argument(
            "--network",
            metavar="NETWORK",
            action="append",
            default=[],
            help="it works from there alone, such as 192.0.2.0/24; may be given again",
        )
        add.add_argument(
            "--expires", metavar="DAY", type=last_day, help="its last day (UTC), such as 2030-01-31"
        )
        self.verb("list", "List a user's app passwords.").add_argument("address", metavar="ADDRESS")
        add_name_or_all(self.verb("remove", "Remove an app password; who uses it is signed out."))

    def do_add(self, options: dict[str, Any]) -> None:
        user = users.find(options["address"])
        row, text = apppasswords.create(
            user=user,
            name=options["name"],
            protocols=options["protocol"],
            networks=options["network"],
            expires_at=options["expires"],
        )
        self.report(
            options,
            f"{user.address} has the app password {row.name}.\nPassword: {text}",
            address=user.address,
            name=row.name,
            password=text,
        )

    def do_list(self, options: dict[str, Any]) -> None:
        rows = sending.app_password_rows(users.find(options["address"]))
        self.write_rows(
            options, rows, "name protocols networks expires_at last_used_at last_used_from"
        )

    def do_remove(self, options: dict[str, Any]) -> None:
        user = users.find(options["address"])
        name = name_or_all(options)
        if name is None:
            gone = apppasswords.revoke_all(user=user)
            self.report(options, f"{gone} app passwords of {user.address} are gone.", removed=gone)
            return
        apppasswords.revoke(user=user, name=name)
        self.report(options, f"The app password {name} is gone.", address=user.address, removed=1)
