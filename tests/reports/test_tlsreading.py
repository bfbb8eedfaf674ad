"""Reports on TLS as others send them."""

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.delivery import tlsrpt
from apps.delivery.tlsrpt import Heading
from apps.remote.queries import Counted
from apps.reports import tlsreading
from apps.reports.tlsreading import TlsReportError, TlsRow, parse
from tests.reports.samples import named, tls_json


def changed(**fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = {**json.loads(tls_json()), **fields}
    return found


def test_it_reads_a_report() -> None:
    found = parse(tls_json())
    assert (found.organization, found.domain) == ("Company-X", "example.test")
    assert found.contact == "sts-reporting@company-x.example"
    assert found.id == "5065427c-23d3-47ca-b6e0-946ea0e8c4be"
    assert found.end - found.begin == 86_399
    assert (found.passed, found.failed, found.left_out) == (5326, 303, 0)
    (policy,) = found.policies
    assert policy.patterns == ("mx.example.test",)
    assert policy.lines[0] == "version: STSv1"
    assert found.rows == (
        TlsRow("sts", "", "", "", "", "", 5326),
        TlsRow(
            *("sts", "certificate-expired", "2001:db8:abcd:12::1", "mx1.example.test", "", ""), 100
        ),
        TlsRow(
            "sts",
            "starttls-not-supported",
            "2001:db8:abcd:13::1",
            "mx2.example.test",
            "203.0.113.56",
            "no STARTTLS",
            203,
        ),
    )


def test_it_reads_what_we_send() -> None:
    heading = Heading("example.test", "ours.test", "mail.ours.test", 20_000, "01abc")
    row = Counted("sts", ("version: STSv1",), ("*.example.test",), "", "", "", "", "", 7)
    bad = replace(row, result="certificate-expired", mx_host="mx.example.test", sessions=2)
    found = parse(gzip.decompress(tlsrpt.document(heading, [row, bad])))
    assert (found.organization, found.id) == ("mail.ours.test", "01abc@ours.test")
    assert (found.domain, found.begin) == ("example.test", 20_000 * 86_400)
    assert [(one.result, one.mx_host, one.sessions) for one in found.rows] == [
        ("", "", 7),
        ("certificate-expired", "mx.example.test", 2),
    ]


def test_it_reads_several_policies_of_one_domain() -> None:
    data = changed()
    data["policies"] *= 2
    assert parse(json.dumps(data).encode()).passed == 2 * 5326


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"a":' * 100_000, "no JSON"),
        (b'{"policies": ' + b"9" * 5_000 + b"}", "no JSON"),
        (b"[]", "no report"),
        (b"{}", "which domain"),
        (json.dumps(changed(policies=[])).encode(), "which domain"),
        (json.dumps(changed(policies={"a": 1})).encode(), "which domain"),
        (json.dumps(changed(policies=[None, 1, "x", []])).encode(), "which domain"),
        (tls_json("not a domain"), "which domain"),
        (tls_json(""), "which domain"),
        (
            json.dumps(
                changed(policies=changed()["policies"] + json.loads(tls_json("a.test"))["policies"])
            ).encode(),
            "several domains",
        ),
        (json.dumps(changed(**{"date-range": None})).encode(), "of when"),
        (json.dumps(changed(**{"date-range": {"start-datetime": 5}})).encode(), "of when"),
        (
            json.dumps(
                changed(
                    **{
                        "date-range": {
                            "start-datetime": "2016-04-02T00:00:00Z",
                            "end-datetime": "2016-04-01T23:59:59Z",
                        }
                    }
                )
            ).encode(),
            "of when",
        ),
    ],
    ids=named,
)
def test_it_refuses_what_is_none(document: bytes, why: str) -> None:
    with pytest.raises(TlsReportError, match=why):
        parse(document)


@pytest.mark.parametrize("count", [None, "7", -7, True, 1.5, [], {}, 10**30])
def test_it_passes_over_numbers_that_are_none(count: object) -> None:
    data = changed()
    data["policies"][0]["failure-details"][0]["failed-session-count"] = count
    data["policies"][0]["summary"]["total-failure-session-count"] = count
    found = parse(json.dumps(data).encode())
    assert found.failed in (0, tlsreading.COUNT_MAX)
    assert len(found.rows) == (3 if found.failed else 2)


@pytest.mark.parametrize("address", ["fe80::1%" + "a" * 40, "fe80::1%eth0", "mx.test", 7, "::1/8"])
def test_it_passes_over_addresses_that_are_none(address: object) -> None:
    data = changed()
    for one in data["policies"][0]["failure-details"]:
        one |= {"sending-mta-ip": address, "receiving-ip": address}
    rows = parse(json.dumps(data).encode()).rows
    assert {(row.sending_address, row.receiving_address) for row in rows} == {("", "")}


def test_it_bounds_rows_and_texts() -> None:
    data = changed(**{"organization-name": "x" * 10_000, "report-id": "a\0b\ud800\x1b[2Jc"})
    data["policies"][0]["failure-details"] *= 2_000
    data["policies"][0]["policy"]["policy-string"] = ["y" * 10_000] * 500
    found = parse(json.dumps(data).encode())
    assert len(found.rows) == tlsreading.ROWS_MAX
    assert found.left_out == 4_001 - tlsreading.ROWS_MAX
    assert len(found.organization) == 200
    assert len(found.policies[0].lines) == tlsreading.LINES_MAX
    assert len(found.policies[0].lines[0]) == 300
    assert found.id.isprintable()
    assert found.id.encode() == b"ab[2Jc"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(values, values, values, values)
def test_it_takes_any_json(policy: Any, summary: Any, details: Any, times: Any) -> None:
    data = changed()
    one = {"policy": policy, "summary": summary, "failure-details": details}
    for document in (
        {**data, "date-range": times},
        {**data, "policies": [one, *data["policies"]]},
        {**data, "policies": policy},
        dict.fromkeys(data, policy),
    ):
        try:
            found = parse(json.dumps(document).encode())
        except TlsReportError:
            continue
        assert found.domain == "example.test"
