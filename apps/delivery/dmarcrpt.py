"""A DMARC aggregate report of ours as bytes (RFC 7489 section 7.2): what it tells, the mail around
it. No I/O."""

import base64
import gzip
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from apps.delivery.tlsrpt import Heading
from apps.mailauth import aggregate
from apps.mailauth.aggregate import Published, Report, Routed, Row, Signed
from apps.mailauth.dmarc.record import Record
from apps.mime.address import Address
from apps.mime.dates import format_date

MEDIA_TYPE: Final = "application/gzip"


class Counted(Protocol):
    """Messages that were alike; `reports.models.DmarcCount` tells of the fields."""

    address: str
    disposition: str
    dkim: bool
    spf: bool
    override: str
    comment: str
    header_from: str
    envelope_from: str
    results: str
    messages: int


def document(
    heading: Heading, record: Record, counted: Sequence[Counted], *, left_out: int = 0
) -> bytes:
    """The report itself, XML.

    Args:
        record: of the domain.
        left_out: messages that are in no row.
    """
    errors = (f"{left_out} more messages are not told here",) if left_out else ()
    report = Report(
        organization=heading.reporter,
        contact=heading.contact,
        id=heading.id,
        begin=int(heading.begin.timestamp()),
        end=int(heading.end.timestamp()),
        published=Published(
            domain=heading.domain,
            adkim="s" if record.is_dkim_strict else "r",
            aspf="s" if record.is_spf_strict else "r",
            p=record.policy.value,
            sp=record.subdomain_policy.value,
            pct=str(record.percent),
        ),
        rows=tuple(map(_row, counted)),
        errors=errors,
    )
    return aggregate.compose(report)


def pack(xml: bytes) -> bytes:
    """Compressed; the same document gives the same octets."""
    return gzip.compress(xml, mtime=0)


def filename(heading: Heading) -> str:
    """RFC 7489 section 7.2.1.1."""
    times = f"{int(heading.begin.timestamp())}!{int(heading.end.timestamp())}"
    return f"{heading.reporter}!{heading.domain}!{times}!{heading.key}.xml.gz"


def mail(heading: Heading, to: Sequence[Address], packed: bytes, at: datetime) -> bytes:
    """The mail that carries a report; ASCII, CRLF line ends."""
    mark = f"dmarc-{heading.key}"
    encoded = base64.encodebytes(packed).decode().replace("\n", "\r\n")
    lines = [
        f"From: {heading.contact}",
        "To: " + ",\r\n ".join(map(str, to)),
        f"Subject: Report Domain: {heading.domain}\r\n Submitter: {heading.reporter}\r\n"
        f" Report-ID: <{heading.id}>",
        f"Date: {format_date(at)}",
        f"Message-ID: <{heading.id}>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{mark}"',
        "",
        f"--{mark}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"This is a DMARC report of {heading.reporter} on mail in the name of",
        f"{heading.domain}",
        f"that came on {heading.begin:%Y-%m-%d} (UTC), made because that domain asks for it",
        "with rua= in its DMARC record (RFC 7489).",
        "",
        f"--{mark}",
        f"Content-Type: {MEDIA_TYPE}",
        f'Content-Disposition: attachment;\r\n filename="{filename(heading)}"',
        "Content-Transfer-Encoding: base64",
        "",
        f"{encoded}--{mark}--",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


def _row(one: Counted) -> Row:
    results = json.loads(one.results)
    return Row(
        address=one.address,
        messages=one.messages,
        disposition=one.disposition,
        dkim=one.dkim,
        spf=one.spf,
        reasons=((one.override, one.comment),) if one.override else (),
        header_from=one.header_from,
        envelope_from=one.envelope_from,
        signed=tuple(Signed(*told) for told in results.get("dkim", ())),
        routed=tuple(Routed(*told) for told in results.get("spf", ())),
    )
