"""`manage.py reports VERB`: who sends in whose name, as others and we report it."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from apps.delivery import dmarcreports
from apps.mime.address import AddressError, normalise_domain
from apps.mime.headers import printable
from apps.provisioning import reporting
from apps.provisioning.management.noun import Error, NounCommand
from apps.reports import arriving, queries
from apps.reports.models import ReportKind
from apps.runtime.clock import now

_EPOCH = date(1970, 1, 1).toordinal()
_DAY_SECONDS = 86_400
_READ_MAX = 10_000
_READ_SECONDS = 3_600
_LIST = "id kind about reporter sender is_genuine begin passed failed"
_SENT = "day domain messages sent_at outcome"
_SOURCES = "address messages passed failed refused reporters last"


class Command(NounCommand):
    help = (
        "Reports on mail (DMARC) and on TLS: those that others sent of our domains, and ours to"
        " others."
    )

    def add_verbs(self) -> None:
        listing = self.verb(
            "list",
            "List reports that came: id, kind, domain, reporter, sender, whether that is proved,"
            " begin, messages or sessions that passed, that failed.",
        )
        listing.add_argument("--kind", default="", choices=ReportKind.values)
        _bounds(listing, domain="only of this domain of ours", days=30)

        show = self.verb("show", "Show a report that came, with its rows.")
        show.add_argument("id", metavar="ID", type=int, help="as `reports list` shows it")

        self.verb("read", "Read the reports that came with the mail now, not within a minute.")

        sources = self.verb(
            "sources",
            "List who sends in a domain's name, by DMARC reports that came: address, messages,"
            " those that passed, failed, were refused or put into Junk, reporters, last seen.",
        )
        sources.add_argument("domain", metavar="DOMAIN", type=_domain)
        _bounds(sources, days=30)

        sent = self.verb("sent", "List our reports: day, domain, messages, when sent, outcome.")
        _bounds(sent, domain="only to this domain", days=7)

        preview = self.verb("preview", "Write the report on a day as it would be sent now, XML.")
        preview.add_argument("domain", metavar="DOMAIN", type=_domain)
        preview.add_argument("--day", type=_day, help="such as 2026-01-31; else today")

        send = self.verb("send", "Send the reports of a day that are not sent, without waiting.")
        send.add_argument("--day", type=_day, help="such as 2026-01-31; else yesterday")
        send.add_argument("--domain", type=_domain, help="only to this domain")
        send.add_argument(
            "--early",
            action="store_true",
            help="also of today: what comes later that day will be in no report",
        )

    def do_list(self, options: dict[str, Any]) -> None:
        rows = queries.received(
            days=options["days"],
            kind=options["kind"],
            domain=options["domain"] or "",
            limit=options["limit"],
        )
        self.write_rows(options, rows, _LIST)

    def do_show(self, options: dict[str, Any]) -> None:
        report = queries.one(options["id"])
        if report is None:
            raise Error(f"There is no report {options['id']}.")
        told = queries.as_data(report)
        if options["json"]:
            self.stdout.write(json.dumps(told))
            return
        for name, value in told.items():
            if name != "rows":
                self.stdout.write(f"{name:18} {_shown(value)}")
        for row in told["rows"]:
            self.stdout.write("")
            for name, value in row.items():
                if value not in ("", {}):
                    self.stdout.write(f"  {name:16} {_shown(value)}")

    def do_read(self, options: dict[str, Any]) -> None:
        number = arriving.read_all(_READ_MAX, seconds=_READ_SECONDS)
        self.report(options, f"{number} messages were looked into.", messages=number)

    def do_sources(self, options: dict[str, Any]) -> None:
        rows = queries.sources(options["domain"], days=options["days"], limit=options["limit"])
        self.write_rows(options, rows, _SOURCES)

    def do_sent(self, options: dict[str, Any]) -> None:
        since = _today() - options["days"] + 1
        rows = queries.sent(since=since, domain=options["domain"] or "", limit=options["limit"])
        self.write_rows(options, rows, _SENT)

    def do_preview(self, options: dict[str, Any]) -> None:
        day = _today() if options["day"] is None else options["day"]
        xml = dmarcreports.preview(day, options["domain"]).decode()
        if options["json"]:
            self.stdout.write(json.dumps({"xml": xml}))
        else:
            self.stdout.write(xml)

    def do_send(self, options: dict[str, Any]) -> None:
        today = _today()
        day = today - 1 if options["day"] is None else options["day"]
        if options["early"] and options["day"] is None:
            day = today
        if day >= today and not options["early"]:
            raise Error("That day is not over; --early sends what was counted so far.")
        due = queries.due(day, options["domain"] or "")
        sent = reporting.send(day, due)
        self.report(
            options,
            f"{sent} of {len(due)} reports are on their way; `reports sent` tells of each.",
            day=_written(day),
            due=len(due),
            sent=sent,
        )


def _bounds(parser: ArgumentParser, *, days: int, domain: str = "") -> None:
    if domain:
        parser.add_argument("--domain", type=_domain, help=domain)
    parser.add_argument(
        "--days", type=_number, default=days, help=f"today and the days before, {days} if not said"
    )
    parser.add_argument("--limit", type=_number, default=1_000, help="at most so many")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1_000_000):
        raise ArgumentTypeError("a whole number from 1 on")
    return int(text)


def _day(text: str) -> int:
    """Days since 1970-01-01."""
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        raise ArgumentTypeError("a day is written such as 2026-01-31") from None


def _domain(text: str) -> str:
    try:
        found = normalise_domain(text)
    except AddressError:
        found = ""
    if not found or found.startswith("["):
        raise ArgumentTypeError(f"{text!r} is no domain name")
    return found


def _today() -> int:
    return now() // _DAY_SECONDS


def _written(day: int) -> str:
    return date.fromordinal(day + _EPOCH).isoformat()


def _shown(value: Any) -> str:
    """A value on one line. Strangers write reports: nothing of them may drive a terminal."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items() if one)
    if isinstance(value, list | tuple):
        return " ".join(map(_shown, value))
    return printable(str(value)) or "-"
