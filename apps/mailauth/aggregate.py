"""A DMARC aggregate report as a value, and as XML that any reader of such reports understands
(RFC 7489 section 7.2 and appendix C). `aggregate_reading` is the way back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from apps.mime.headers import clean


@dataclass(frozen=True, slots=True)
class Published:
    """The policy as the reporter met it; words as in the record, "" where it says nothing."""

    domain: str
    adkim: str = ""
    aspf: str = ""
    p: str = ""
    sp: str = ""
    pct: str = ""
    fo: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """What DKIM said of one signature."""

    domain: str
    selector: str
    result: str


@dataclass(frozen=True, slots=True)
class Routed:
    """What SPF said; `scope` is mfrom or helo."""

    domain: str
    scope: str
    result: str


@dataclass(frozen=True, slots=True)
class Row:
    """Messages that were alike.

    Args:
        address: IP address of the client.
        disposition: none, quarantine, reject; pass in reports after RFC 9990.
        dkim, spf: passed and aligned.
        reasons: why not as the policy says: (word, comment).
    """

    address: str
    messages: int
    disposition: str
    dkim: bool
    spf: bool
    reasons: tuple[tuple[str, str], ...] = ()
    header_from: str = ""
    envelope_from: str = ""
    envelope_to: str = ""
    signed: tuple[Signed, ...] = ()
    routed: tuple[Routed, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A report.

    Args:
        organization: the reporter as it calls itself; `contact` its address.
        begin, end: Unix seconds.
        passed, failed: messages in all rows, of those left out too.
        left_out: rows that are not in `rows`: beyond ROWS_MAX, or unreadable.
    """

    organization: str
    contact: str
    id: str
    begin: int
    end: int
    published: Published
    rows: tuple[Row, ...] = ()
    errors: tuple[str, ...] = ()
    extra_contact: str = ""
    passed: int = 0
    failed: int = 0
    left_out: int = 0


def compose(report: Report) -> bytes:
    """Return the report as XML, UTF-8."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<feedback>",
        " <version>1.0</version>",
        *_block(" ", "report_metadata", _metadata(report)),
        *_block(" ", "policy_published", _published(report.published)),
    ]
    for row in report.rows:
        lines += _record(row)
    lines.append("</feedback>\n")
    return "\n".join(lines).encode()


def _metadata(report: Report) -> Iterator[str]:
    yield _element("org_name", report.organization)
    yield _element("email", report.contact)
    if report.extra_contact:
        yield _element("extra_contact_info", report.extra_contact)
    yield _element("report_id", report.id)
    yield from _block(
        "", "date_range", [_element("begin", report.begin), _element("end", report.end)]
    )
    yield from (_element("error", one) for one in report.errors)


def _published(policy: Published) -> Iterator[str]:
    for name in ("domain", "adkim", "aspf", "p", "sp", "pct", "fo"):
        if value := getattr(policy, name):
            yield _element(name, value)


def _record(row: Row) -> list[str]:
    evaluated = [
        _element("disposition", row.disposition),
        _element("dkim", "pass" if row.dkim else "fail"),
        _element("spf", "pass" if row.spf else "fail"),
    ]
    for word, comment in row.reasons:
        told = [_element("type", word)] + ([_element("comment", comment)] if comment else [])
        evaluated += _block("", "reason", told)
    counted = [
        _element("source_ip", row.address),
        _element("count", row.messages),
        *_block("", "policy_evaluated", evaluated),
    ]
    named = [_element("envelope_to", row.envelope_to)] if row.envelope_to else []
    named += [
        _element("envelope_from", row.envelope_from),
        _element("header_from", row.header_from),
    ]
    parts = [
        *_block("", "row", counted),
        *_block("", "identifiers", named),
        *_block("", "auth_results", list(_results(row))),
    ]
    return _block(" ", "record", parts)


def _results(row: Row) -> Iterator[str]:
    for one in row.signed:
        told = [_element("domain", one.domain)]
        if one.selector:
            told.append(_element("selector", one.selector))
        yield from _block("", "dkim", [*told, _element("result", one.result)])
    for way in row.routed:
        told = [_element("domain", way.domain), _element("scope", way.scope)]
        yield from _block("", "spf", [*told, _element("result", way.result)])


def _block(indent: str, name: str, lines: Sequence[str] | Iterator[str]) -> list[str]:
    return [f"{indent}<{name}>", *(f"{indent} {line}" for line in lines), f"{indent}</{name}>"]


def _element(name: str, value: str | int) -> str:
    return f"<{name}>{escape(clean(str(value)))}</{name}>"
