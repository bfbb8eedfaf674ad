"""`manage.py demo`: make a demo if there is none yet, and run it."""

import json
import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError

from apps.demo import accounts, days, seed, welcome
from apps.demo.people import people
from apps.demo.post import FEWEST, MESSAGES, SEED, Plan
from apps.ops import locks, schema, start
from apps.provisioning.management.noun import Error
from apps.wire.errors import MailError

_HELP = (
    "Make a demo (two organisations, three domains, a dozen people, two thousand messages) if there"
    " is none, run it, and print a link that signs in. Works only where DEMO=true: `make demo` sets"
    " it, with a folder of its own. Exit codes: 0 done; 1 refused or failed, in one sentence; 2"
    " wrong usage."
)


class Command(BaseCommand):
    help = _HELP
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--fresh", action="store_true", help="forget the demo that is there, and make it anew"
        )
        parser.add_argument(
            "--date",
            type=_day,
            metavar="YYYY-MM-DD",
            help="the demo's today: its mail ends at noon of that day, in UTC (default: today, in"
            " the morning yesterday)",
        )
        parser.add_argument(
            "--seed", type=int, default=SEED, metavar="N", help="another one makes other mail"
        )
        parser.add_argument(
            "--messages",
            type=_count,
            default=MESSAGES,
            metavar="N",
            help=f"about how many, {FEWEST} at least (default: {MESSAGES})",
        )
        parser.add_argument("--make-only", action="store_true", help="do not run it")
        parser.add_argument(
            "--json",
            action="store_true",
            help="do not run it either; write accounts, counts and the link as one JSON document",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise Error("This is no demo's folder: a demo needs DEMO=true; `make demo` sets it.")
        try:
            made = self._make(options)
        except (seed.NotOurs, locks.RunningError) as error:
            raise Error(str(error)) from None
        except MailError as error:
            raise Error(f"{error.reply.text}.") from None
        except DatabaseError as error:
            raise Error(f"The database refuses: {error}") from None
        if options["json"]:
            self.stdout.write(json.dumps({**made, **welcome.as_json(people())}, indent=2))
        elif not options["make_only"]:
            self._run()

    def _make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Make what is missing, alone in this folder; what was made now."""
        os.umask(0o077)
        held = locks.hold(start.ROLES)
        try:
            schema.bring_up_to_date(self._tell)
            there = accounts.made_on(people())
            if there is not None and not options["fresh"]:
                self._tell(
                    f"The demo of {there:%-d %B %Y} is there; make demo ARGS=--fresh makes it anew."
                )
                return {"made": False}
            if there is not None:
                seed.forget()
            return self._seed(options)
        finally:
            locks.release(held)

    def _seed(self, options: dict[str, Any]) -> dict[str, Any]:
        started = time.monotonic()
        day = options["date"] or days.last_noon(datetime.now(UTC))
        self._tell(
            f"Making a demo as of {day:%-d %B %Y}, with about {options['messages']:,} messages…"
        )
        made = seed.make(Plan(day, options["seed"], options["messages"]), self._progress)
        seconds = round(time.monotonic() - started, 1)
        self._tell(
            f"{made.letters:,} messages, {made.copies:,} copies of them in the mailboxes of a dozen"
            f" people, made in {seconds} seconds."
        )
        return {"made": True, "messages": made.letters, "copies": made.copies, "seconds": seconds}

    def _run(self) -> None:
        try:
            status = start.serve(
                start.ROLES,
                [],
                self._say,
                any_port=True,
                also_say=lambda doors: welcome.words(people(), doors),
            )
        except start.StartError as error:
            raise Error(str(error)) from None
        if status:
            raise SystemExit(status)

    def _progress(self, done: int, total: int) -> None:
        """On a terminal one line that counts; in a log nothing."""
        if sys.stderr.isatty():
            end = "\r" if done < total else "\n"
            self._tell(f"  {done:,} of {total:,} messages", end)

    def _tell(self, text: str, end: str = "\n") -> None:
        """Beside the result: standard output may be a JSON document. No error, so not in red."""
        self.stderr.write(text, str, end)
        self.stderr.flush()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("a day such as 2026-11-25") from None
    if not 1975 <= day.year <= 2200:
        raise ArgumentTypeError("a day of the years 1975 to 2200")
    return day


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and FEWEST <= int(text) <= 50_000):
        raise ArgumentTypeError(f"a number from {FEWEST} to 50000")
    return int(text)
