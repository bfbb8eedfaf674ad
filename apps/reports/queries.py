"""Reads of reports. One query each unless it says otherwise."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Max, Q, QuerySet, Sum

from apps.directory.models import Domain, Role, RoleGrant, User
from apps.reports.models import (
    DmarcCount,
    DmarcDay,
    ReceivedDmarc,
    ReceivedReport,
    ReceivedTls,
    ReportKind,
)
from apps.runtime.clock import now

_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Due:
    """A domain that is to be reported to; `left_out` messages are in no row."""

    domain: str
    record: str
    left_out: int


@dataclass(frozen=True, slots=True)
class SentRow:
    """What became of a report of ours; `day` as 2026-01-31, `sent_at` "" if it was not sent."""

    day: str
    domain: str
    messages: int
    sent_at: str
    outcome: str


@dataclass(frozen=True, slots=True)
class ReceivedRow:
    """A report that somebody sent of a domain of ours; times as 2026-01-31T23:59:59Z."""

    id: int
    kind: str
    about: str
    reporter: str
    sender: str
    is_genuine: bool
    begin: str
    end: str
    passed: int
    failed: int
    received_at: str


@dataclass(frozen=True, slots=True)
class SourceRow:
    """All messages in a domain's name that others saw from one address.

    `passed` DMARC; of those that did not, `refused` were rejected or put into Junk.
    """

    address: str
    messages: int
    passed: int
    failed: int
    refused: int
    reporters: int
    last: str


def due(day: int, domain: str = "") -> list[Due]:
    """Domains whose report of a day is not sent yet; those that were not tried come first."""
    rows = DmarcDay.objects.filter(day=day, sent_at=0).order_by("outcome", "domain")
    if domain:
        rows = rows.filter(domain=domain)
    return [Due(*row) for row in rows.values_list("domain", "record", "left_out")]


def day_of(day: int, domain: str) -> Due | None:
    """What was counted for a domain on a day, reported or not; None if nothing was."""
    rows = DmarcDay.objects.filter(day=day, domain=domain)
    row = rows.values_list("domain", "record", "left_out").first()
    return None if row is None else Due(*row)


def counted(day: int, domain: str, *, limit: int) -> list[DmarcCount]:
    """What was counted for a domain on a day, the most frequent first."""
    rows = DmarcCount.objects.filter(day=day, domain=domain).order_by("-messages", "id")
    return list(rows[:limit])


def sent(*, since: int, domain: str = "", limit: int = 10_000) -> Iterator[SentRow]:
    """Reports of ours from a day on (days since 1970), the newest first. Two queries."""
    rows = DmarcDay.objects.filter(day__gte=since).order_by("-day", "domain")
    counts = DmarcCount.objects.filter(day__gte=since)
    if domain:
        rows, counts = rows.filter(domain=domain), counts.filter(domain=domain)
    totals = counts.values_list("day", "domain").annotate(total=Sum("messages"))
    messages = {(day, name): total for day, name, total in totals}
    for row in rows[:limit].iterator(chunk_size=1_000):
        yield SentRow(
            (date(1970, 1, 1) + timedelta(row.day)).isoformat(),
            row.domain,
            messages.get((row.day, row.domain), 0) + row.left_out,
            moment(row.sent_at) if row.sent_at else "",
            row.outcome or "waits",
        )


def owned_domain(user_ids: Sequence[int], about: str) -> Domain | None:
    """The domain of ours that a name is or is below, if one of the users is of the organisation
    that owns it, or runs the installation. At most three queries."""
    labels = about.split(".")
    names = [".".join(labels[start:]) for start in range(len(labels))][-10:]
    found = Domain.objects.filter(name__in=names)
    if not RoleGrant.objects.filter(user_id__in=user_ids, role=Role.OPERATOR).exists():
        users = User.objects.filter(pk__in=user_ids, domain__isnull=False)
        found = found.filter(organization_id__in=users.values("domain__organization_id"))
    return max(found, key=lambda one: len(one.name), default=None)


def received(
    *, days: int, kind: str = "", domain: str = "", limit: int = 10_000
) -> Iterator[ReceivedRow]:
    """Reports that came in the last days, the newest first."""
    rows = _lately(days, domain).order_by("-received_at", "-id")
    if kind:
        rows = rows.filter(kind=kind)
    for row in rows[:limit].iterator(chunk_size=1_000):
        yield _received(row)


def one(report_id: int) -> ReceivedReport | None:
    """A report that came."""
    return ReceivedReport.objects.filter(pk=report_id).first()


def as_data(report: ReceivedReport, *, limit: int = 10_000) -> dict[str, Any]:
    """All that is kept of a report, its rows with the most frequent first. One query."""
    fields = {name: getattr(report, name) for name in ReceivedRow.__dataclass_fields__}
    told = {**fields, "begin": moment(report.begin), "end": moment(report.end)}
    told["received_at"] = moment(report.received_at)
    rows = _dmarc_rows(report, limit) if report.kind == ReportKind.DMARC else _tls(report, limit)
    return {
        **told,
        "contact": report.contact,
        "report_id": report.report_id,
        "policy": json.loads(report.policy),
        "left_out": report.left_out,
        "remarks": report.remarks,
        "rows": list(rows),
    }


def sources(domain: str, *, days: int, limit: int = 10_000) -> Iterator[SourceRow]:
    """Who sent mail in a domain's name, by what genuine reports of the last days say; those of
    whom most failed first."""
    is_pass, is_fail = Q(dkim=True) | Q(spf=True), Q(dkim=False, spf=False)
    is_refused = is_fail & Q(disposition__in=["reject", "quarantine"])
    rows = (
        ReceivedDmarc.objects.filter(
            report__in=_lately(days, domain).filter(is_genuine=True, kind=ReportKind.DMARC)
        )
        .values("address")
        .annotate(
            total=Sum("messages"),
            good=Sum("messages", filter=is_pass, default=0),
            bad=Sum("messages", filter=is_fail, default=0),
            refused=Sum("messages", filter=is_refused, default=0),
            reporters=Count("report__sender", distinct=True),
            last=Max("report__end"),
        )
        .order_by("-bad", "-total", "address")
    )
    names = ("address", "total", "good", "bad", "refused", "reporters", "last")
    for row in rows.values_list(*names)[:limit].iterator(chunk_size=1_000):
        address, total, good, bad, refused, reporters, last = row
        yield SourceRow(address, total, good, bad, refused, reporters, moment(last))


def moment(at: int) -> str:
    """Unix seconds as a time in UTC; "?" if that is none."""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return "?"


def _lately(days: int, domain: str) -> QuerySet[ReceivedReport]:
    rows = ReceivedReport.objects.filter(received_at__gt=now() - days * _DAY_SECONDS)
    return rows.filter(Q(about=domain) | Q(domain__name=domain)) if domain else rows


def _received(row: ReceivedReport) -> ReceivedRow:
    return ReceivedRow(
        id=row.pk,
        kind=row.kind,
        about=row.about,
        reporter=row.reporter,
        sender=row.sender,
        is_genuine=row.is_genuine,
        begin=moment(row.begin),
        end=moment(row.end),
        passed=row.passed,
        failed=row.failed,
        received_at=moment(row.received_at),
    )


def _dmarc_rows(report: ReceivedReport, limit: int) -> Iterator[dict[str, Any]]:
    rows = ReceivedDmarc.objects.filter(report=report).order_by("-messages", "id")
    for row in rows[:limit]:
        yield {
            "address": row.address,
            "messages": row.messages,
            "disposition": row.disposition,
            "dkim": row.dkim,
            "spf": row.spf,
            "reasons": row.reasons,
            "header_from": row.header_from,
            "envelope_from": row.envelope_from,
            "envelope_to": row.envelope_to,
            "results": json.loads(row.results),
        }


def _tls(report: ReceivedReport, limit: int) -> Iterator[dict[str, Any]]:
    rows = ReceivedTls.objects.filter(report=report).order_by("result", "-sessions", "id")
    names = (
        *("policy_type", "result", "sending_address", "mx_host", "receiving_address"),
        *("reason", "sessions"),
    )
    yield from rows.values(*names)[:limit]
