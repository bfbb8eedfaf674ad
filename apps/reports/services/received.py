"""Reports that others sent of our domains, kept; each once.

What one domain may take is bounded, apart for reports whose sender is proved: whoever writes
reports in others' names cannot keep the true ones out.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from apps.directory.models import Domain
from apps.mailauth import aggregate
from apps.reports.models import ReceivedDmarc, ReceivedReport, ReceivedTls, ReportKind
from apps.reports.tlsreading import TlsReport
from apps.runtime.clock import now

GENUINE_PER_DAY: Final = 500
"""Reports of one domain in 24 hours."""
OTHERS_PER_DAY: Final = 20
_AT_ONCE: Final = 1_000
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Origin:
    """How a report came: `domain` of ours that it is about; `sender`, `is_genuine` and `trace_id`
    as in `models.ReceivedReport`."""

    domain: Domain
    sender: str
    is_genuine: bool
    trace_id: UUID


def keep_dmarc(report: aggregate.Report, origin: Origin) -> bool:
    """Keep a DMARC report; False if it is there already, or if there are too many."""
    fields = {
        "kind": ReportKind.DMARC,
        "about": report.published.domain,
        "reporter": report.organization,
        "policy": json.dumps(asdict(report.published)),
        "remarks": "; ".join(report.errors)[:1_000],
        **_shared(report),
    }
    return _keep(fields, origin, lambda kept: _dmarc_rows(report, kept), ReceivedDmarc)


def keep_tls(report: TlsReport, origin: Origin) -> bool:
    """Keep a report on TLS; False as above."""
    policies = [
        {"type": one.kind, "policy": one.lines, "mx": one.patterns} for one in report.policies
    ]
    fields = {
        "kind": ReportKind.TLS,
        "about": report.domain,
        "reporter": report.organization,
        "policy": json.dumps({"policies": policies}),
        **_shared(report),
    }
    return _keep(fields, origin, lambda kept: _tls_rows(report, kept), ReceivedTls)


def _shared(report: aggregate.Report | TlsReport) -> dict[str, Any]:
    return {
        "contact": report.contact,
        "report_id": report.id,
        "begin": report.begin,
        "end": report.end,
        "passed": report.passed,
        "failed": report.failed,
        "left_out": report.left_out,
    }


def _keep(
    fields: dict[str, Any],
    origin: Origin,
    rows: Callable[[ReceivedReport], Iterator[Any]],
    model: type[ReceivedDmarc] | type[ReceivedTls],
) -> bool:
    told = {
        "about": fields.pop("about"),
        "kind": fields.pop("kind"),
        "sender": origin.sender,
        "is_genuine": origin.is_genuine,
        "report_id": fields.pop("report_id"),
    }
    at = now()
    with transaction.atomic():
        if not _has_room(origin, at):
            return False
        more = {**fields, "domain": origin.domain, "received_at": at, "trace_id": origin.trace_id}
        kept, is_new = ReceivedReport.objects.get_or_create(**told, defaults=more)
        if is_new:
            model._default_manager.bulk_create(rows(kept), batch_size=_AT_ONCE)
    return is_new


def _has_room(origin: Origin, at: int) -> bool:
    lately = ReceivedReport.objects.filter(
        domain=origin.domain, received_at__gt=at - _DAY_SECONDS, is_genuine=origin.is_genuine
    )
    return lately.count() < (GENUINE_PER_DAY if origin.is_genuine else OTHERS_PER_DAY)


def _dmarc_rows(report: aggregate.Report, kept: ReceivedReport) -> Iterator[ReceivedDmarc]:
    for row in report.rows:
        dkim = [[one.domain, one.selector, one.result] for one in row.signed]
        spf = [[one.domain, one.scope, one.result] for one in row.routed]
        reasons = "; ".join(f"{word}: {why}" if why else word for word, why in row.reasons)
        yield ReceivedDmarc(
            report=kept,
            address=row.address,
            messages=row.messages,
            disposition=row.disposition,
            dkim=row.dkim,
            spf=row.spf,
            reasons=reasons[:300],
            header_from=row.header_from,
            envelope_from=row.envelope_from,
            envelope_to=row.envelope_to,
            results=json.dumps({"dkim": dkim, "spf": spf}),
        )


def _tls_rows(report: TlsReport, kept: ReceivedReport) -> Iterator[ReceivedTls]:
    for row in report.rows:
        yield ReceivedTls(report=kept, **asdict(row))
