"""A report on TLS as others send it (RFC 8460 section 4.4), read. Pure and bounded.

The JSON is a stranger's: whatever is not of the expected type is passed over, numbers and texts are
bounded, and what lacks a time or a domain is no report.
"""

import ipaddress
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from apps.mime.address import AddressError, normalise_domain
from apps.mime.headers import clean

ROWS_MAX: Final = 2_000
POLICIES_MAX: Final = 200
LINES_MAX: Final = 50
COUNT_MAX: Final = 10**12


class TlsReportError(ValueError):
    """No report that can be used; the text is ours and quotes nothing."""


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """A policy under which sessions were counted."""

    kind: str
    domain: str
    lines: tuple[str, ...]
    patterns: tuple[str, ...]
    passed: int
    failed: int


@dataclass(frozen=True, slots=True)
class TlsRow:
    """Sessions that went the same way; `result` is "" for success."""

    policy_type: str
    result: str
    sending_address: str
    mx_host: str
    receiving_address: str
    reason: str
    sessions: int


@dataclass(frozen=True, slots=True)
class TlsReport:
    """A report; `begin` and `end` in Unix seconds, `left_out` counts rows beyond ROWS_MAX."""

    organization: str
    contact: str
    id: str
    begin: int
    end: int
    policies: tuple[TlsPolicy, ...]
    rows: tuple[TlsRow, ...]
    left_out: int

    @property
    def domain(self) -> str:
        """Whom it is about."""
        return self.policies[0].domain

    @property
    def passed(self) -> int:
        return sum(one.passed for one in self.policies)

    @property
    def failed(self) -> int:
        return sum(one.failed for one in self.policies)


def parse(document: bytes) -> TlsReport:
    """Read a report.

    Args:
        document: JSON; the caller bounds its size.

    Raises:
        TlsReportError: it is none, or about several domains.
    """
    try:
        data = json.loads(document)
    except (ValueError, RecursionError):
        raise TlsReportError("it is no JSON") from None
    if not isinstance(data, dict):
        raise TlsReportError("it is no report on TLS")
    given = _list(data.get("policies"))[:POLICIES_MAX]
    policies = tuple(found for one in given if (found := _policy(one)) is not None)
    if not policies:
        raise TlsReportError("it does not say which domain it is about")
    if len({one.domain for one in policies}) > 1:
        raise TlsReportError("it is about several domains")
    times = _dict(data.get("date-range"))
    begin, end = _time(times.get("start-datetime")), _time(times.get("end-datetime"))
    if begin is None or end is None or end < begin:
        raise TlsReportError("it does not say of when it is")
    rows = [row for one in given for row in _rows(_dict(one))]
    return TlsReport(
        organization=_text(data.get("organization-name"), 200),
        contact=_text(data.get("contact-info"), 320),
        id=_text(data.get("report-id"), 255) or f"{begin}-{end}",
        begin=begin,
        end=end,
        policies=policies,
        rows=tuple(rows[:ROWS_MAX]),
        left_out=max(0, len(rows) - ROWS_MAX),
    )


def _policy(one: Any) -> TlsPolicy | None:
    policy, summary = _dict(_dict(one).get("policy")), _dict(_dict(one).get("summary"))
    try:
        domain = normalise_domain(_text(policy.get("policy-domain"), 253))
    except AddressError:
        return None
    # RFC 8460 says mx-host and shows a list in one place and a text in another.
    patterns = policy.get("mx-host")
    return TlsPolicy(
        kind=_text(policy.get("policy-type"), 20),
        domain=domain,
        lines=_texts(policy.get("policy-string")),
        patterns=_texts([patterns] if isinstance(patterns, str) else patterns),
        passed=_count(summary.get("total-successful-session-count")),
        failed=_count(summary.get("total-failure-session-count")),
    )


def _rows(one: dict[str, Any]) -> Iterator[TlsRow]:
    """The sessions of one policy: what went well, then each kind of failure."""
    kind = _text(_dict(one.get("policy")).get("policy-type"), 20)
    well = _count(_dict(one.get("summary")).get("total-successful-session-count"))
    if well:
        yield TlsRow(kind, "", "", "", "", "", well)
    for failure in map(_dict, _list(one.get("failure-details"))):
        if sessions := _count(failure.get("failed-session-count")):
            yield TlsRow(
                policy_type=kind,
                result=_text(failure.get("result-type"), 60) or "unknown",
                sending_address=_address(failure.get("sending-mta-ip")),
                mx_host=_text(failure.get("receiving-mx-hostname"), 253),
                receiving_address=_address(failure.get("receiving-ip")),
                reason=_text(failure.get("failure-reason-code"), 300),
                sessions=sessions,
            )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any, limit: int) -> str:
    """A text without control characters and without what no column takes (lone surrogates)."""
    if not isinstance(value, str):
        return ""
    return clean(value[: 2 * limit]).encode("utf-8", "replace").decode()[:limit]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(one, 300) for one in _list(value)[:LINES_MAX])


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return min(max(value, 0), COUNT_MAX)


def _address(value: Any) -> str:
    """An IP address, "" if it is none or has a zone."""
    text = _text(value, 60)
    try:
        return "" if "%" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def _time(value: Any) -> int | None:
    """RFC 3339, as Unix seconds; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(_text(value, 40))
    except ValueError:
        return None
    at = found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        return int(at.timestamp())
    except (ValueError, OverflowError):
        return None
