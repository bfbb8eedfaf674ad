"""`manage.py token issue|list|revoke`."""

from typing import Any

from apps.directory.apppasswords import PROTOCOLS
from apps.directory.services import tokens, users
from apps.provisioning import sending
from apps.provisioning.management.noun import (
    NounCommand,
    add_name_or_all,
    last_day,
    name_or_all,
)


class Command(NounCommand):
    help = "Access tokens of users, for OAUTHBEARER and XOAUTH2."

    def add_verbs(self) -> None:
        issue = self.verb("issue", "Issue a token. It is shown once.")
        issue.add_argument("address", metavar="ADDRESS")
        issue.add_argument("name", metavar="NAME", help="such as Backup")
        issue.add_argument(
            "--scope",
            metavar="SCOPE",
            action="append",
            default=[],
            choices=PROTOCOLS,
            help="it opens nothing else; may be given again (default: imap, pop3 and smtp)",
        )
        issue.add_argument(
            "--expires", metavar="DAY", type=last_day, help="its last day (UTC): 2030-01-31"
        )
        self.verb("list", "List a user's tokens.").add_argument("address", metavar="ADDRESS")
        add_name_or_all(self.verb("revoke", "Revoke a token; who uses it is signed out."))

    def do_issue(self, options: dict[str, Any]) -> None:
        user = users.find(options["address"])
        row, text = tokens.issue(
            user=user,
            name=options["name"],
            scopes=options["scope"],
            expires_at=options["expires"],
        )
        self.report(
            options,
            f"{user.address} has the access token {row.name}.\nToken: {text}",
            address=user.address,
            name=row.name,
            token=text,
        )

    def do_list(self, options: dict[str, Any]) -> None:
        rows = sending.token_rows(users.find(options["address"]))
        self.write_rows(options, rows, "name scopes expires_at last_used_at last_used_from")

    def do_revoke(self, options: dict[str, Any]) -> None:
        user = users.find(options["address"])
        name = name_or_all(options)
        if name is None:
            gone = tokens.revoke_all(user=user)
            self.report(options, f"{gone} access tokens of {user.address} are gone.", revoked=gone)
            return
        tokens.revoke(user=user, name=name)
        self.report(options, f"The access token {name} is gone.", address=user.address, revoked=1)
