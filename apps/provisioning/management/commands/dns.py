"""`manage.py dns list|show|check|zone`."""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from apps.directory.models import Domain
from apps.directory.services import domains
from apps.dnscheck import queries
from apps.dnscheck.findings import Finding, Report, Standing
from apps.dnscheck.services import checks
from apps.dnscheck.zonefile import zone_file
from apps.provisioning.management.noun import Error, NounCommand, printable

_PAGE = 500
_BAD = frozenset({Standing.WRONG, Standing.MISSING})


@dataclass(frozen=True, slots=True)
class Row:
    """A domain of the list."""

    name: str
    right: int
    total: int
    alarming: bool
    elsewhere: bool
    checked_at: datetime | None


class Command(NounCommand):
    help = "DNS records of our domains: what they should be, and how they stand."

    def add_verbs(self) -> None:
        self.verb(
            "list",
            "List the domains: name, records that are right, all, alarming, elsewhere, when.",
        )
        show = self.verb("show", "Show how a domain's records stood when last asked for.")
        show.add_argument("domain", metavar="DOMAIN")
        check = self.verb(
            "check",
            "Ask the DNS for a domain's records now. Exit status 1 if a required one is wrong.",
        )
        check.add_argument("domain", metavar="DOMAIN")
        zone = self.verb("zone", "Print a domain's records as a zone file.")
        zone.add_argument("domain", metavar="DOMAIN")

    def do_list(self, options: dict[str, Any]) -> None:
        self.write_rows(options, _rows(), "name right total alarming elsewhere checked_at")

    def do_show(self, options: dict[str, Any]) -> None:
        self._show(options, queries.report(domains.find(options["domain"])))

    def do_check(self, options: dict[str, Any]) -> None:
        report = checks.check(domains.find(options["domain"]).pk)
        self._show(options, report)
        bad = [one for one in report.findings if one.wanted.is_required and one.standing in _BAD]
        if bad and not report.is_elsewhere:
            raise Error(f"Required records that are wrong or missing: {len(bad)}.")
        if report.trouble and not report.findings:
            raise Error(report.trouble)

    def do_zone(self, options: dict[str, Any]) -> None:
        domain = domains.find(options["domain"])
        wanted = queries.wanted(domain)
        if options["json"]:
            documents = [dataclasses.asdict(one) for one in wanted]
            self.stdout.write(json.dumps(documents, cls=DjangoJSONEncoder))
            return
        self.stdout.write(zone_file(domain, wanted, queries.lost_host()), ending="")

    def _show(self, options: dict[str, Any], report: Report) -> None:
        if options["json"]:
            document = {"right": report.right, "total": report.total, **dataclasses.asdict(report)}
            self.stdout.write(json.dumps(document, cls=DjangoJSONEncoder))
            return
        for line in _for_people(report):
            self.stdout.write(printable(line))


def _rows() -> Iterable[Row]:
    after = 0
    while page := list(Domain.objects.filter(pk__gt=after).order_by("pk")[:_PAGE]):
        found = queries.summaries([domain.pk for domain in page])
        for domain in page:
            one = found.get(domain.pk)
            if one is not None:
                yield Row(
                    domain.name,
                    one.right,
                    one.total,
                    one.is_alarming,
                    one.is_elsewhere,
                    one.checked_at,
                )
        after = page[-1].pk


def _for_people(report: Report) -> Iterable[str]:
    when = f"{report.checked_at:%Y-%m-%d %H:%M:%S} UTC" if report.checked_at else "never"
    yield f"{report.domain}: {report.right} of {report.total} right; checked: {when}"
    if report.host:
        yield f"served by {report.host}"
    if report.lost_host:
        yield f"{report.lost_host} is no name that others can find: set MAIL_HOSTNAME first"
    if report.trouble:
        yield report.trouble
    for finding in report.findings:
        yield from _lines(finding)


def _lines(finding: Finding) -> Iterable[str]:
    wanted = finding.wanted
    yield f"{finding.standing.value:<9} {wanted.title}: {finding.sentence}"
    if finding.standing in {Standing.RIGHT, Standing.ELSEWHERE}:
        return
    for value in wanted.values:
        yield f"          wanted: {wanted.name}. {wanted.type} {value}"
    for value in finding.found:
        yield f"          found:  {value}"
