"""`manage.py limit set|show|list`."""

import dataclasses
from argparse import ArgumentTypeError
from typing import Any, Final

from apps.directory.limits import FIELDS
from apps.directory.services import limits, users
from apps.provisioning import sending
from apps.provisioning.management.noun import Error, NounCommand

_DEFAULT: Final = -1  # the word `default`; None is what was not said


def _number(text: str) -> int:
    if text == "default":
        return _DEFAULT
    if not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError("a number, 0 for no limit, or the word default")
    return int(text)


class Command(NounCommand):
    help = "How much may be sent."

    def add_verbs(self) -> None:
        change = self.verb("set", "Set limits of a user, a domain or an organisation.")
        change.add_argument("who", metavar="WHO", help="an address, a domain, or see below")
        change.add_argument(
            "--organization", action="store_true", help="WHO is the name of an organisation"
        )
        for name in FIELDS:
            change.add_argument(
                f"--{name.replace('_', '-')}",
                metavar="NUMBER",
                type=_number,
                help="0: no limit; default: as the settings say (users), or none (others)",
            )
        show = self.verb("show", "Show what a user has sent and may send, this hour and day.")
        show.add_argument("address", metavar="ADDRESS")
        self.verb("list", "List the limits that were set.")

    def do_set(self, options: dict[str, Any]) -> None:
        changes = {
            name: None if options[name] == _DEFAULT else options[name]
            for name in FIELDS
            if options[name] is not None
        }
        if not changes:
            raise Error("Give a limit, such as --messages-per-hour 100.", returncode=2)
        scope = sending.scope(options["who"], is_organization=options["organization"])
        row = limits.set_limits(
            user=scope.user,
            domain=scope.domain,
            organization=scope.organization,
            changes=changes,
        )
        values = dataclasses.asdict(sending.limit_row(row))
        self.report(options, f"{scope.name} has new limits.", **values)

    def do_show(self, options: dict[str, Any]) -> None:
        rows = sending.meter_rows(users.find(options["address"]))
        self.write_rows(
            options, rows, "scope per messages most_messages recipients most_recipients ends_at"
        )

    def do_list(self, options: dict[str, Any]) -> None:
        columns = " ".join(("kind", "name", *FIELDS))
        self.write_rows(options, sending.limit_rows(), columns)
