"""Reports on TLS: who wants them, what they say, the mail around them (RFC 8460)."""

import gzip
import json
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from apps.delivery import tlsrpt
from apps.delivery.tlsrpt import Heading
from apps.mime.address import Address
from apps.remote.queries import Counted

HEADING = Heading("example.org", "ours.test", "mail.ours.test", 16_892, "01abc")
STS_LINES = ("version: STSv1", "mode: testing", "mx: *.mail.example.org", "max_age: 86400")


def row(result: str, sessions: int, kind: str = "sts", **more: str) -> Counted:
    is_sts = kind == "sts"
    return Counted(
        policy_type=kind,
        policy=STS_LINES if is_sts else (),
        patterns=("*.mail.example.org",) if is_sts else (),
        result=result,
        mx_host=more.get("host", ""),
        sending_address=more.get("sending", ""),
        receiving_address=more.get("receiving", ""),
        reason=more.get("reason", ""),
        sessions=sessions,
    )


@pytest.mark.parametrize(
    ("records", "addresses", "urls"),
    [
        ([b"v=TLSRPTv1; rua=mailto:reports@example.com"], ["reports@example.com"], []),
        (
            [b"v=TLSRPTv1;rua=mailto:a@x.test,https://x.test/v1/tlsrpt"],
            ["a@x.test"],
            ["https://x.test/v1/tlsrpt"],
        ),
        ([b"v=spf1", b"v=TLSRPTv1 ; rua = MAILTO:a%2Bb@x.test?subject=x"], ["a+b@x.test"], []),
        ([b"v=TLSRPTv1; rua=mailto:a@x.test, mailto:a@x.test"], ["a@x.test"], []),
        ([b"v=TLSRPTv1; rua=mailto:a@x.test"] * 2, [], []),
        ([b"v=TLSRPTv2; rua=mailto:a@x.test"], [], []),
        ([b"v=TLSRPTv1"], [], []),
        ([b"v=TLSRPTv1; rua="], [], []),
        ([b"v=TLSRPTv1; rua=http://x.test/, ftp://x.test/, file:///etc/passwd"], [], []),
        ([b"v=TLSRPTv1; rua=mailto:a@x.test%0d%0aBcc:b@y.test"], [], []),
        ([b"v=TLSRPTv1; rua=mailto:\xc3\xa4@x.test,https://["], [], []),
        ([b"v=TLSRPTv1; rua=mailto:%ff@x.test"], [], []),
        ([b"v=TLSRPTv1; rua=" + b",".join(b"mailto:a%d@x.test" % n for n in range(99))], 5, []),
        ([], [], []),
    ],
)
def test_it_reads_where_reports_go(
    records: list[bytes], addresses: list[str] | int, urls: list[str]
) -> None:
    found = tlsrpt.targets(records)
    if isinstance(addresses, int):
        assert len(found.addresses) == addresses
    else:
        assert [str(one) for one in found.addresses] == addresses
    assert list(found.urls) == urls
    assert bool(found) is bool(addresses or urls)


def test_it_reports_as_the_rfc_has_it() -> None:
    counted = [
        row("", 5_326),
        row("certificate-expired", 100, host="mx1.mail.example.org", sending="2001:db8::1"),
        row(
            "starttls-not-supported",
            200,
            host="mx2.mail.example.org",
            sending="192.0.2.1",
            receiving="192.0.2.9",
            reason="no STARTTLS",
        ),
        row("", 7, "no-policy-found"),
    ]
    report = json.loads(gzip.decompress(tlsrpt.document(HEADING, counted)))
    assert report["organization-name"] == "mail.ours.test"
    assert report["date-range"] == {
        "start-datetime": "2016-04-01T00:00:00Z",
        "end-datetime": "2016-04-01T23:59:59Z",
    }
    assert report["contact-info"] == "postmaster@ours.test"
    assert report["report-id"] == "01abc@ours.test"
    sts, none = report["policies"]
    assert sts["policy"] == {
        "policy-type": "sts",
        "policy-domain": "example.org",
        "policy-string": list(STS_LINES),
        "mx-host": ["*.mail.example.org"],
    }
    assert sts["summary"] == {
        "total-successful-session-count": 5_326,
        "total-failure-session-count": 300,
    }
    assert sts["failure-details"] == [
        {
            "result-type": "certificate-expired",
            "sending-mta-ip": "2001:db8::1",
            "receiving-mx-hostname": "mx1.mail.example.org",
            "failed-session-count": 100,
        },
        {
            "result-type": "starttls-not-supported",
            "sending-mta-ip": "192.0.2.1",
            "receiving-mx-hostname": "mx2.mail.example.org",
            "receiving-ip": "192.0.2.9",
            "failure-reason-code": "no STARTTLS",
            "failed-session-count": 200,
        },
    ]
    assert none == {
        "policy": {"policy-type": "no-policy-found", "policy-domain": "example.org"},
        "summary": {"total-successful-session-count": 7, "total-failure-session-count": 0},
    }


def test_it_makes_a_mail_that_carries_the_report() -> None:
    packed = tlsrpt.document(HEADING, [row("", 1)])
    to = [Address.parse("a@example.org"), Address.parse("b@example.net")]
    raw = tlsrpt.mail(HEADING, to, packed, datetime(2016, 4, 2, 1, 2, 3, tzinfo=UTC))
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = message_from_bytes(raw, policy=policy.default)
    assert not mail.defects
    assert mail["From"] == "postmaster@ours.test"
    assert mail["To"] == "a@example.org, b@example.net"
    assert mail["Subject"] == (
        "Report Domain: example.org Submitter: ours.test Report-ID: <01abc@ours.test>"
    )
    assert mail["Date"] == "Sat, 02 Apr 2016 01:02:03 +0000"
    assert mail["TLS-Report-Domain"] == "example.org"
    assert mail["TLS-Report-Submitter"] == "ours.test"
    assert mail["TLS-Required"] == "No"
    assert mail.get_content_type() == "multipart/report"
    assert mail.get_param("report-type") == "tlsrpt"
    text, report = mail.iter_parts()
    assert "example.org" in text.get_content()
    assert report.get_content_type() == "application/tlsrpt+gzip"
    assert report.get_filename() == ("ours.test!example.org!1459468800!1459555199!01abc.json.gz")
    assert report.get_payload(decode=True) == packed
