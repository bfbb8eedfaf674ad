"""Which reports a message carries. Pure: what is broken or hostile becomes words, not an error."""

from dataclasses import dataclass
from typing import Final

from apps.mailauth import aggregate, aggregate_reading
from apps.mailauth.aggregate_reading import AggregateError
from apps.reports import tlsreading
from apps.reports.tlsreading import TlsReport, TlsReportError
from apps.reports.unpacking import Document, Format, UnpackError, documents

NOTHING: Final = "it carries no report"
AHEAD_SECONDS: Final = 3 * 86_400
BEHIND_SECONDS: Final = 400 * 86_400
_NOT_OF_NOW: Final = "it is of a time that no report can be of"

Report = aggregate.Report | TlsReport


@dataclass(frozen=True, slots=True)
class Reading:
    """The reports, and what was wrong with what is none."""

    reports: tuple[Report, ...]
    problems: tuple[str, ...]


def read(raw: bytes, *, now: int) -> Reading:
    """Read the reports in a message.

    Args:
        now: Unix seconds; a report of long ago or of the future is none.
    """
    reports: list[Report] = []
    problems: list[str] = []
    try:
        for document in documents(raw):
            try:
                reports.append(_timely(_parse(document), now))
            except (AggregateError, TlsReportError, _UntimelyError) as error:
                problems.append(str(error))
    except UnpackError as error:
        problems.append(str(error))
    if not reports and not problems:
        problems.append(NOTHING)
    return Reading(tuple(reports), tuple(problems))


class _UntimelyError(ValueError):
    """It is not of these days."""


def _parse(document: Document) -> Report:
    if document.format is Format.XML:
        return aggregate_reading.parse(document.octets)
    return tlsreading.parse(document.octets)


def _timely(report: Report, now: int) -> Report:
    if not now - BEHIND_SECONDS <= report.begin <= report.end <= now + AHEAD_SECONDS:
        raise _UntimelyError(_NOT_OF_NOW)
    return report
