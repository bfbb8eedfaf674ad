"""A report on TLS as bytes (RFC 8460): who wants it, its JSON, the mail around it. No I/O."""

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from apps.mime.address import Address, AddressError
from apps.mime.dates import format_date
from apps.remote.queries import Counted

MEDIA_TYPE: Final = "application/tlsrpt+gzip"
MOST_TARGETS: Final = 5
"""Places of one domain that a report goes to."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Targets:
    """Where a domain wants its reports."""

    addresses: tuple[Address, ...] = ()
    urls: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.addresses or self.urls)


@dataclass(frozen=True, slots=True)
class Heading:
    """What a report says of itself.

    Args:
        domain: that is reported on, A-label.
        reporter: a domain of ours; its key signs the mail.
        organization: our name.
        day: days since 1970-01-01 UTC.
        key: unique among the reports of `reporter`; letters and digits.
    """

    domain: str
    reporter: str
    organization: str
    day: int
    key: str

    @property
    def begin(self) -> datetime:
        return datetime.fromtimestamp(0, UTC) + self.day * _DAY

    @property
    def end(self) -> datetime:
        return self.begin + _DAY - timedelta(seconds=1)

    @property
    def id(self) -> str:
        return f"{self.key}@{self.reporter}"

    @property
    def contact(self) -> str:
        return f"postmaster@{self.reporter}"

    @property
    def filename(self) -> str:
        """RFC 8460 section 5.1."""
        times = f"{int(self.begin.timestamp())}!{int(self.end.timestamp())}"
        return f"{self.reporter}!{self.domain}!{times}!{self.key}.json.gz"


def targets(records: Iterable[bytes]) -> Targets:
    """Read the TXT records of `_smtp._tls.…` (section 3). Other than exactly one of ours is none,
    and so is what cannot be read of its `rua`."""
    ours = [one for one in records if one.partition(b";")[0].strip() == b"v=TLSRPTv1"]
    if len(ours) != 1:
        return Targets()
    uris: list[str] = []
    for field in ours[0].decode("ascii", "replace").split(";")[1:]:
        name, _, value = field.partition("=")
        if name.strip() == "rua" and not uris:
            uris = [one.strip() for one in value.split(",")][:MOST_TARGETS]
    addresses = [found for uri in uris if (found := _address(uri)) is not None]
    return Targets(
        tuple(dict.fromkeys(addresses)),
        tuple(dict.fromkeys(uri for uri in uris if _is_https(uri))),
    )


def document(heading: Heading, counted: Sequence[Counted]) -> bytes:
    """The report itself, JSON (section 4.4), compressed."""
    policies: dict[str, list[Counted]] = {}
    for one in counted:
        policies.setdefault(one.policy_type, []).append(one)
    report = {
        "organization-name": heading.organization,
        "date-range": {
            "start-datetime": _time(heading.begin),
            "end-datetime": _time(heading.end),
        },
        "contact-info": heading.contact,
        "report-id": heading.id,
        "policies": [_policy(heading.domain, kind, rows) for kind, rows in policies.items()],
    }
    return gzip.compress(json.dumps(report, indent=1).encode(), mtime=0)


def mail(heading: Heading, to: Sequence[Address], packed: bytes, at: datetime) -> bytes:
    """The mail that carries a report (section 5.3); ASCII, CRLF line ends."""
    mark = f"tlsrpt-{heading.key}"
    encoded = base64.encodebytes(packed).decode().replace("\n", "\r\n")
    lines = [
        f"From: {heading.contact}",
        "To: " + ",\r\n ".join(map(str, to)),
        f"Subject: Report Domain: {heading.domain}\r\n Submitter: {heading.reporter}\r\n"
        f" Report-ID: <{heading.id}>",
        f"Date: {format_date(at)}",
        f"Message-ID: <{heading.id}>",
        f"TLS-Report-Domain: {heading.domain}",
        f"TLS-Report-Submitter: {heading.reporter}",
        # A report must arrive also where what it reports on keeps mail from arriving.
        "TLS-Required: No",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type="tlsrpt";\r\n boundary="{mark}"',
        "",
        f"--{mark}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"This is a report on TLS in SMTP sessions of {heading.organization}",
        f"with the mail servers of {heading.domain}",
        f"from {_time(heading.begin)} to {_time(heading.end)} (RFC 8460).",
        "",
        f"--{mark}",
        f"Content-Type: {MEDIA_TYPE}",
        f'Content-Disposition: attachment;\r\n filename="{heading.filename}"',
        "Content-Transfer-Encoding: base64",
        "",
        f"{encoded}--{mark}--",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


def _policy(domain: str, kind: str, rows: Sequence[Counted]) -> dict[str, Any]:
    # The rows come with the most frequent first; a policy that changed in the day is told as most
    # sessions met it.
    most = rows[0]
    policy: dict[str, Any] = {"policy-type": kind, "policy-domain": domain}
    if most.policy:
        policy["policy-string"] = list(most.policy)
    if most.patterns:
        policy["mx-host"] = list(most.patterns)
    failures = [one for one in rows if one.result]
    told: dict[str, Any] = {
        "policy": policy,
        "summary": {
            "total-successful-session-count": sum(one.sessions for one in rows if not one.result),
            "total-failure-session-count": sum(one.sessions for one in failures),
        },
    }
    if failures:
        told["failure-details"] = [_failure(one) for one in failures]
    return told


def _failure(one: Counted) -> dict[str, Any]:
    known = {
        "sending-mta-ip": one.sending_address,
        "receiving-mx-hostname": one.mx_host,
        "receiving-ip": one.receiving_address,
        "failure-reason-code": one.reason,
    }
    return {
        "result-type": one.result,
        **{name: value for name, value in known.items() if value},
        "failed-session-count": one.sessions,
    }


def _address(uri: str) -> Address | None:
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "mailto":
        return None
    try:
        found = Address.parse(unquote(rest.partition("?")[0], errors="strict"))
    except (AddressError, UnicodeDecodeError):
        return None
    return found if str(found).isascii() else None


def _is_https(uri: str) -> bool:
    try:
        return urlsplit(uri).scheme == "https" and len(uri) <= 1_000
    except ValueError:
        return False


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
