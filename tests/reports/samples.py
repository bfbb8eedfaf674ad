"""Reports as they come with the mail, in the shapes in which large receivers send them."""

import base64
import gzip
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any, Final

from apps.mailauth.aggregate import Published, Report, Routed, Row, Signed, compose
from apps.runtime.clock import now

DAY_SECONDS: Final = 86_400


def aggregate_report(domain: str = "example.test", **fields: Any) -> Report:
    """A DMARC report of yesterday: one source that passed, one that did not."""
    begin = now() // DAY_SECONDS * DAY_SECONDS - DAY_SECONDS
    rows = (
        Row(
            "192.0.2.1",
            40,
            "none",
            dkim=True,
            spf=True,
            header_from=domain,
            signed=(Signed(domain, "s1", "pass"),),
            routed=(Routed(domain, "mfrom", "pass"),),
        ),
        Row("203.0.113.9", 7, "reject", dkim=False, spf=False, header_from=domain),
    )
    given: dict[str, Any] = {
        "organization": "big.example",
        "contact": "dmarc@big.example",
        "id": "report-1",
        "begin": begin,
        "end": begin + DAY_SECONDS - 1,
        "published": Published(domain, "r", "r", "reject", "reject", "100"),
        "rows": rows,
        **fields,
    }
    return Report(**given)


def xml(domain: str = "example.test", **fields: Any) -> bytes:
    """The same as octets."""
    return compose(aggregate_report(domain, **fields))


def tls_json(domain: str = "example.test", **fields: Any) -> bytes:
    """A report on TLS as RFC 8460 appendix B shows one."""
    policy = {
        "policy-type": "sts",
        "policy-string": ["version: STSv1", "mode: testing", "mx: mx.example.test"],
        "policy-domain": domain,
        "mx-host": "mx.example.test",
    }
    details = [
        {
            "result-type": "certificate-expired",
            "sending-mta-ip": "2001:db8:abcd:12::1",
            "receiving-mx-hostname": "mx1.example.test",
            "failed-session-count": 100,
        },
        {
            "result-type": "starttls-not-supported",
            "sending-mta-ip": "2001:db8:abcd:13::1",
            "receiving-mx-hostname": "mx2.example.test",
            "receiving-ip": "203.0.113.56",
            "failed-session-count": 203,
            "failure-reason-code": "no STARTTLS",
        },
    ]
    begin = now() // DAY_SECONDS * DAY_SECONDS - DAY_SECONDS
    report: dict[str, Any] = {
        "organization-name": "Company-X",
        "date-range": {
            "start-datetime": _rfc3339(begin),
            "end-datetime": _rfc3339(begin + DAY_SECONDS - 1),
        },
        "contact-info": "sts-reporting@company-x.example",
        "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
        "policies": [
            {
                "policy": policy,
                "summary": {
                    "total-successful-session-count": 5326,
                    "total-failure-session-count": 303,
                },
                "failure-details": details,
            }
        ],
        **fields,
    }
    return json.dumps(report).encode()


def _rfc3339(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def zipped(*contents: bytes, name: str = "big.example!example.test!1!2.xml") -> bytes:
    """A zip of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            member = zipfile.ZipInfo(f"{number}{name}" if number else name)  # of 1980
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def gzipped(content: bytes) -> bytes:
    """The same as gzip."""
    return gzip.compress(content, mtime=0)


def mail(
    content: bytes,
    *,
    kind: str = "application/gzip",
    subject: str = "Report domain: example.test Submitter: big.example Report-ID: 1",
    author: str = "dmarc@big.example",
    to: str = "alice@example.test",
) -> bytes:
    """A mail with a text and an attachment."""
    return _crlf(
        f"From: {author}\nTo: {to}\nSubject: {subject}\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\n'
        f"A report.\n--b\nContent-Type: {kind}\n"
        'Content-Disposition: attachment; filename="big.example!example.test!1459468800!'
        '1459555199.xml.gz"\nContent-Transfer-Encoding: base64\n\n'
        f"{base64.encodebytes(content).decode()}--b--\n"
    )


def bare_mail(content: bytes, *, kind: str = "application/zip", **fields: str) -> bytes:
    """A mail that is the attachment itself, as a search engine's mail service sends it."""
    subject = fields.get("subject", "Report domain: example.test Submitter: big.example")
    return _crlf(
        f"From: {fields.get('author', 'noreply@big.example')}\nTo: alice@example.test\n"
        f"Subject: {subject}\nMIME-Version: 1.0\nContent-Type: {kind};\n"
        ' name="big.example!example.test!1459468800!1459555199.zip"\n'
        "Content-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n"
        f"{base64.encodebytes(content).decode()}"
    )


def tls_mail(content: bytes, *, kind: str = "application/tlsrpt+gzip") -> bytes:
    """A mail with a report on TLS (RFC 8460 section 5.3)."""
    return _crlf(
        "From: tlsrpt@company-x.example\nTo: alice@example.test\n"
        "Subject: Report Domain: example.test Submitter: company-x.example Report-ID: <735@x>\n"
        "TLS-Report-Domain: example.test\nTLS-Report-Submitter: company-x.example\n"
        "MIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type="tlsrpt"; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain\n\nA report on TLS.\n--b\nContent-Type: {kind}\n"
        "Content-Transfer-Encoding: base64\n\n"
        f"{base64.encodebytes(content).decode()}--b--\n"
    )


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def named(value: object) -> str:
    """The id of a parameter: octets, which depend on the day, are not in it."""
    return value if isinstance(value, str) else type(value).__name__
