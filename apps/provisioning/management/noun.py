"""What the commands `domain`, `user` and `alias` share: verbs, lists, errors and exit codes.

Exit codes: 0 done; 1 refused or failed, with one sentence on standard error; 2 wrong usage.
With `--json` standard output is one JSON document, escaped to ASCII, so that no name in it can
drive a terminal; lists are written row by row.
"""

import dataclasses
import json
import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from apps.audit.shell import at_shell
from apps.directory.models import User
from apps.directory.passwords import MAX_PASSWORD
from apps.mime.headers import printable as printable
from apps.wire.errors import MailError

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Error(CommandError):
    """Django prints the class's name before the sentence."""


class NounCommand(BaseCommand):
    """A command whose first word is a verb: each is a method named `do_VERB`."""

    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the verbs; subclasses fill `add_verbs`."""
        self._verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        self.add_verbs()

    def add_verbs(self) -> None:
        """Declare each verb with `self.verb`."""
        raise NotImplementedError

    def verb(self, name: str, summary: str) -> CommandParser:
        """Declare a verb."""
        parser: CommandParser = self._verbs.add_parser(name, help=summary, description=summary)
        parser.add_argument("--json", action="store_true", help="write JSON")
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb; turn what may go wrong into one sentence."""
        try:
            with at_shell():
                getattr(self, f"do_{options['verb']}")(options)
            self.stdout.flush()
        except MailError as error:
            raise Error(_sentence(error.reply.text)) from None
        except DatabaseError as error:
            raise Error(_refusal(error)) from None
        except BrokenPipeError:
            # The reader had enough (`user list | head`). Python would complain again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    def report(self, options: dict[str, Any], sentence: str, **values: Any) -> None:
        """Say what was done: a sentence for people, the values for programs."""
        if options["json"]:
            self.stdout.write(json.dumps(values, cls=DjangoJSONEncoder))
        else:
            self.stdout.write(sentence)

    def write_rows(self, options: dict[str, Any], rows: Iterable[Any], columns: str) -> None:
        """Write dataclass rows: a JSON array, or a line each with the named columns."""
        if not options["json"]:
            for row in rows:
                self.stdout.write("\t".join(_cell(getattr(row, name)) for name in columns.split()))
            return
        before = "["
        for row in rows:
            self.stdout.write(before, ending="\n")
            document = json.dumps(dataclasses.asdict(row), cls=DjangoJSONEncoder)
            self.stdout.write(document, ending="")
            before = ","
        self.stdout.write("[]" if before == "[" else "\n]")

    def read_password(self) -> str:
        """Read a password: the first line of standard input.

        Raises:
            Error: there is none.
        """
        line = sys.stdin.readline(MAX_PASSWORD + 2).removesuffix("\n").removesuffix("\r")
        if not line:
            raise Error("There is no password on standard input.")
        return line

    def warn_if_weak(self, password: str, address: str) -> None:
        """An administrator may set any password, but not without knowing."""
        try:
            validate_password(password, User(address=address))
        except ValidationError as error:
            self.stderr.write("Warning: " + " ".join(error.messages))


def size(text: str) -> int:
    """Read bytes with an optional K, M, G or T; 0 is no limit."""
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "")
    if unit not in _UNITS or not (number.isascii() and number.isdigit()):
        raise ArgumentTypeError("a size is bytes, or a number with K, M, G or T, such as 10G")
    return int(number) * _UNITS[unit]


def percent(text: str) -> int:
    """Read a share, with or without its sign."""
    number = text.removesuffix("%")
    if not (number.isascii() and number.isdigit() and len(number) <= 4):
        raise ArgumentTypeError("a whole number of percent, such as 80")
    return int(number)


def add_name_or_all(parser: CommandParser) -> None:
    """Declare arguments that name one thing of a user, or all; `name_or_all` reads them."""
    parser.add_argument("address", metavar="ADDRESS")
    parser.add_argument("name", metavar="NAME", nargs="?")
    parser.add_argument("--all", action="store_true", help="all of the user")


def name_or_all(options: dict[str, Any]) -> str | None:
    """The name that was given, None for all.

    Raises:
        Error: neither or both.
    """
    name: str | None = options["name"]
    if options["all"] == (name is not None):
        raise Error("Give a name, or --all.", returncode=2)
    return name


def first_day(text: str) -> datetime:
    """The beginning of a day of UTC."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError("a day such as 2030-01-31") from None
    return datetime.combine(day, time.min, UTC)


def last_day(text: str) -> datetime:
    """The end of a day of UTC."""
    return first_day(text) + timedelta(days=1)


def _refusal(error: DatabaseError) -> str:
    """What the database said; or what it means while a first start, or a newer version, is still
    making tables."""
    try:
        executor = MigrationExecutor(connection)
        is_behind = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError:
        is_behind = False
    if is_behind:
        return (
            "The database is not ready: its tables are made when the service starts. Try again"
            " once `manage.py serve` has said that it is ready."
        )
    return _sentence(f"The database refuses: {error}")


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return printable(",".join(value)) or "-"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return printable(str(value)) or "-"
