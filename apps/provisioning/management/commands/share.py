"""`manage.py share grant|list|revoke`."""

import dataclasses
from typing import Any

from apps.directory.services import users
from apps.provisioning import sharing
from apps.provisioning.management.noun import NounCommand


class Command(NounCommand):
    help = "Who may read and change whose mailboxes."

    def add_verbs(self) -> None:
        grant = self.verb("grant", "Give USER exactly these rights in OWNER's mailboxes.")
        grant.add_argument("owner", metavar="OWNER", help="a user or a shared mailbox")
        grant.add_argument("user", metavar="USER", help="an address, or anyone")
        grant.add_argument(
            "rights",
            metavar="RIGHTS",
            help="letters of RFC 4314: lrs to read, lrswite to work, lrswipkxtea for all",
        )
        grant.add_argument("--mailbox", metavar="NAME", help="only this one, not all")
        listing = self.verb("list", "List rights: owner, mailbox, user, rights.")
        listing.add_argument("--owner", metavar="ADDRESS")
        listing.add_argument("--user", metavar="ADDRESS")
        revoke = self.verb("revoke", "Take all rights back.")
        revoke.add_argument("owner", metavar="OWNER")
        revoke.add_argument("user", metavar="USER")
        revoke.add_argument("--mailbox", metavar="NAME", help="only in this one, not in all")

    def do_grant(self, options: dict[str, Any]) -> None:
        rows = sharing.grant(
            options["owner"], options["user"], options["rights"], options["mailbox"]
        )
        told = f"{rows[0].user} has {rows[0].rights} in {_count(rows)} of {rows[0].owner}."
        self.report(options, told, shares=[dataclasses.asdict(row) for row in rows])

    def do_list(self, options: dict[str, Any]) -> None:
        owner = None if options["owner"] is None else users.find(options["owner"])
        rows = sharing.rows(owner=owner, user=options["user"])
        self.write_rows(options, rows, "owner mailbox user rights")

    def do_revoke(self, options: dict[str, Any]) -> None:
        rows = sharing.revoke(options["owner"], options["user"], options["mailbox"])
        told = f"{options['user']} had rights in {_count(rows)} of {options['owner']}, now in none."
        self.report(options, told, shares=[dataclasses.asdict(row) for row in rows])


def _count(rows: list[sharing.ShareRow]) -> str:
    return "1 mailbox" if len(rows) == 1 else f"{len(rows)} mailboxes"
