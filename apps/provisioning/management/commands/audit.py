"""`manage.py audit list|export`: what administrators did, and mailhost for itself."""

import dataclasses
import json
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from apps.audit.queries import Row, Wanted
from apps.provisioning import auditing
from apps.provisioning.management.noun import NounCommand, printable

LIMIT: Final = 100
_WHEN: Final = "30m, 2h, 7d or 2w ago, or a time of UTC: 2026-11-25, 2026-11-25T14:30"


class Command(NounCommand):
    help = "The record of what administrators did: who, when, what, from where (docs/audit.md)."

    def add_verbs(self) -> None:
        listing = self.verb("list", "List acts, newest first.")
        listing.add_argument(
            "--limit",
            type=_number,
            default=LIMIT,
            metavar="N",
            help=f"at most so many, 0 for all (default: {LIMIT})",
        )
        export = self.verb("export", "Write them as JSON, one object a line, oldest first.")
        for one in (listing, export):
            _add_filters(one)

    def do_list(self, options: dict[str, Any]) -> None:
        rows = auditing.rows(_wanted(options), options["limit"])
        if options["json"]:
            self.write_rows(options, rows, "")
            return
        for row in rows:
            self.stdout.write(printable(_line(row)))

    def do_export(self, options: dict[str, Any]) -> None:
        for row in auditing.export(_wanted(options)):
            document = dataclasses.asdict(row)
            self.stdout.write(json.dumps(document, cls=DjangoJSONEncoder))


def _add_filters(parser: CommandParser) -> None:
    parser.add_argument("--user", metavar="ADDRESS", help="done to this user, or by it")
    parser.add_argument("--domain", metavar="NAME", help="done to this domain, or within it")
    parser.add_argument("--organization", metavar="NAME", help="done within this organisation")
    parser.add_argument("--actor", metavar="TEXT", default="", help="by whom: a part of the name")
    parser.add_argument(
        "--action", metavar="NAME", default="", help="such as user.suspend, or user for all of it"
    )
    parser.add_argument("--subject", metavar="TEXT", default="", help="a part of what it was about")
    parser.add_argument("--since", type=_moment, metavar="2h|DATE", help=f"from then on: {_WHEN}")
    parser.add_argument("--until", type=_moment, metavar="2h|DATE", help="up to then, the same")


def _wanted(options: dict[str, Any]) -> Wanted:
    names = "user domain organization actor action subject since until".split()
    return auditing.wanted(**{name: options[name] for name in names})


def _line(row: Row) -> str:
    who = f"{row.actor} as {row.acting_for}" if row.acting_for else row.actor
    door = f"{row.door} by {row.via}" if row.via else row.door
    where = " from ".join(one for one in (door, row.address) if one)
    place = f" [{where}]" if where else ""
    rest = f" ({row.details})" if row.details else ""
    return f"{row.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}  {who}{place} {row.sentence}{rest}"


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ArgumentTypeError("a whole number")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        return auditing.moment(text)
    except (ValueError, OverflowError, OSError):
        raise ArgumentTypeError(_WHEN) from None
