"""DMARC aggregate reports as others write them (RFC 7489 appendix C), read.

In the many shapes they come in: with or without a namespace, with fields of RFC 9990, in any case,
almost XML. No DTD is taken and so no entities, nothing is asked of the network; depth, elements,
text and rows are bounded, the time is linear. Every text that comes out is free of control
characters.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from apps.mailauth.aggregate import Published, Report, Routed, Row, Signed
from apps.mime.address import AddressError, normalise_domain
from apps.mime.headers import clean

DEPTH_MAX: Final = 16
ELEMENTS_MAX: Final = 300_000
TEXT_MAX: Final = 1_000
"""Characters of one value; longer ones are cut."""
ROWS_MAX: Final = 10_000
"""Rows that are returned, the first ones; the others are counted."""
RESULTS_MAX: Final = 10
"""DKIM results of one row, SPF results, reasons."""
ERRORS_MAX: Final = 5
COUNT_MAX: Final = 10**12
_DECLARATION: Final = re.compile(r"\A\ufeff?\s*+<\?xml[^<>]{0,200}+>")
_ILLEGAL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]++")  # in XML 1.0
_NAME: Final = re.compile(r"[a-z0-9_.-]++")
_DISPOSITIONS: Final = frozenset({"none", "pass", "quarantine", "reject"})


class AggregateError(ValueError):
    """No report that can be used; the text is ours and quotes nothing."""


def parse(xml: bytes) -> Report:
    """Read a report.

    Args:
        xml: the document; the caller bounds its size.

    Raises:
        AggregateError: it is none, or lacks what makes it one.
    """
    try:
        return _parse(xml)
    except _MalformedError:
        return _parse(_mended(xml))


class _MalformedError(AggregateError):
    """It is no XML as it stands."""


def _parse(xml: bytes) -> Report:
    reader = _Reader()
    parser = DefusedXMLParser(target=reader, forbid_dtd=True)
    try:
        parser.feed(xml)
        parser.close()
    except AggregateError:
        raise
    except DefusedXmlException:
        raise AggregateError("it has a DTD, entities or references to elsewhere") from None
    except (ParseError, ValueError, LookupError):  # LookupError: of an encoding
        raise _MalformedError("it is not well-formed XML") from None
    return reader.report()


def _mended(xml: bytes) -> bytes:
    """What some reporters get wrong, put right: octets of another charset than they declare,
    control characters in names, something before the declaration."""
    text = _DECLARATION.sub("", xml.decode("utf-8", "replace"), count=1)
    return _ILLEGAL.sub("", text).encode()


_HEAD: Final = {
    "/report_metadata/org_name": "organization",
    "/report_metadata/email": "contact",
    "/report_metadata/extra_contact_info": "extra_contact",
    "/report_metadata/report_id": "id",
    "/report_metadata/date_range/begin": "begin",
    "/report_metadata/date_range/end": "end",
    **{
        f"/policy_published/{name}": name
        for name in ("domain", "adkim", "aspf", "p", "sp", "pct", "fo")
    },
}
_FIELDS: Final = {
    "/record/row/source_ip": "address",
    "/record/row/count": "count",
    "/record/row/policy_evaluated/disposition": "disposition",
    "/record/row/policy_evaluated/dkim": "dkim",
    "/record/row/policy_evaluated/spf": "spf",
    "/record/identifiers/header_from": "header_from",
    "/record/identifiers/envelope_from": "envelope_from",
    "/record/identifiers/envelope_to": "envelope_to",
}
# What may stand several times in a record: its fields, and where they are gathered.
_GROUPS: Final = {
    "/record/row/policy_evaluated/reason": "reasons",
    "/record/auth_results/dkim": "signed",
    "/record/auth_results/spf": "routed",
}


@dataclass(slots=True)
class _Record:
    """A record as it is read."""

    fields: dict[str, str] = field(default_factory=dict)
    groups: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def row(self) -> Row | None:
        """The row, None if it has no address or no number."""
        given = self.fields.get
        messages, disposition = _number(given("count", "")), given("disposition", "").lower()
        address = _address(given("address", ""))
        if messages is None or not address:
            return None
        return Row(
            address=address,
            messages=messages,
            disposition=disposition if disposition in _DISPOSITIONS else "none",
            dkim=given("dkim", "").lower() == "pass",
            spf=given("spf", "").lower() == "pass",
            reasons=tuple(
                (one.get("type", "")[:40], one.get("comment", "")) for one in self._all("reasons")
            ),
            header_from=_domain(given("header_from", "")),
            envelope_from=_domain(given("envelope_from", "")),
            envelope_to=_domain(given("envelope_to", "")),
            signed=tuple(
                Signed(_domain(one.get("domain", "")), one.get("selector", "")[:253], _result(one))
                for one in self._all("signed")
            ),
            routed=tuple(
                Routed(_domain(one.get("domain", "")), one.get("scope", "")[:10], _result(one))
                for one in self._all("routed")
            ),
        )

    def _all(self, name: str) -> list[dict[str, str]]:
        return self.groups.get(name, [])


class _Reader:
    """The target of the parser: keeps the fields that are asked for, and nothing else."""

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._elements = 0
        self._text: list[str] = []
        self._room = 0
        self._head: dict[str, str] = {}
        self._errors: list[str] = []
        self._record = _Record()
        self._group: dict[str, str] = {}
        self._rows: list[Row] = []
        self._passed = self._failed = self._left_out = 0

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        """An element begins."""
        name = tag.rpartition("}")[2].lower()
        self._elements += 1
        if not self._paths and name != "feedback":
            raise AggregateError("it is no DMARC report")
        if len(self._paths) >= DEPTH_MAX or self._elements > ELEMENTS_MAX:
            raise AggregateError("it has too many elements, or too deep ones")
        # The root is "", so that a path names what is asked for; a name that nobody asks for need
        # not be whole.
        path = f"{self._paths[-1]}/{name[:40]}" if self._paths else ""
        self._paths.append(path)
        self._text.clear()
        self._room = TEXT_MAX
        if path == "/record":
            self._record = _Record()
        elif path in _GROUPS:
            self._group = {}

    def data(self, text: str) -> None:
        """A piece of text."""
        if self._room > 0:
            self._text.append(text[: self._room])
            self._room -= len(text)

    def end(self, _tag: str) -> None:
        """An element ends."""
        path = self._paths.pop()
        text = clean("".join(self._text))
        self._text.clear()
        self._room = 0  # what stands between elements is no value
        if path == "/record":
            self._finish()
        elif path in _HEAD:
            self._head.setdefault(_HEAD[path], text)
        elif path in _FIELDS:
            self._record.fields.setdefault(_FIELDS[path], text)
        elif path in _GROUPS:
            gathered = self._record.groups.setdefault(_GROUPS[path], [])
            if len(gathered) < RESULTS_MAX:
                gathered.append(self._group)
        elif path == "/report_metadata/error" and len(self._errors) < ERRORS_MAX:
            self._errors.append(text[:200])
        elif self._paths and self._paths[-1] in _GROUPS:
            self._group.setdefault(path.rpartition("/")[2], text)

    def close(self) -> None:
        """The document ends."""

    def report(self) -> Report:
        """What was read.

        Raises:
            AggregateError: it does not say whom it is about, or of when.
        """
        head = self._head.get
        begin, end = _number(head("begin", "")), _number(head("end", ""))
        domain = _domain(head("domain", ""))
        if begin is None or end is None or end < begin:
            raise AggregateError("it does not say of when it is")
        if not domain:
            raise AggregateError("it does not say which domain it is about")
        words = {name: head(name, "")[:20] for name in ("adkim", "aspf", "p", "sp", "pct", "fo")}
        return Report(
            organization=head("organization", "")[:200],
            contact=head("contact", "")[:320],
            id=head("id", "")[:255] or f"{begin}-{end}",
            begin=begin,
            end=end,
            published=Published(domain, **words),
            rows=tuple(self._rows),
            errors=tuple(self._errors),
            extra_contact=head("extra_contact", "")[:300],
            passed=self._passed,
            failed=self._failed,
            left_out=self._left_out,
        )

    def _finish(self) -> None:
        row = self._record.row()
        if row is None:
            self._left_out += 1
            return
        if row.dkim or row.spf:
            self._passed += row.messages
        else:
            self._failed += row.messages
        if len(self._rows) < ROWS_MAX:
            self._rows.append(row)
        else:
            self._left_out += 1


def _number(text: str) -> int | None:
    """A number, None if it is none or absurd. Some write times with a fraction."""
    whole = text.partition(".")[0]
    if not whole.isascii() or not whole.isdigit() or len(whole) > len(str(COUNT_MAX)):
        return None
    return min(int(whole), COUNT_MAX)


def _address(text: str) -> str:
    """An IP address, an IPv4-mapped one as IPv4; "" if it is none. One with a zone, which may be as
    long as somebody likes, is of no use to anybody elsewhere."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return ""
    return "" if "%" in text else str(getattr(found, "ipv4_mapped", None) or found)


def _domain(text: str) -> str:
    """A domain as A-labels; "" if it is none. Names with an underscore exist in the DNS."""
    try:
        found = normalise_domain(text) if text else ""
    except AddressError:
        found = text.lower().removesuffix(".")
    return found if len(found) < 254 and _NAME.fullmatch(found) else ""


def _result(group: dict[str, str]) -> str:
    return group.get("result", "").lower()[:20]
