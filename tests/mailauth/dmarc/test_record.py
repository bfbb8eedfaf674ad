"""DMARC records: read, and read around."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth.dmarc.record import (
    REPORTS_MAX,
    SIZE_MAX,
    Record,
    RecordError,
    Report,
    is_record,
    parse,
)
from apps.mailauth.types import Policy
from tests.support.cost import cost

NONE, QUARANTINE, REJECT = Policy.NONE, Policy.QUARANTINE, Policy.REJECT


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"v=DMARC1; p=none", Record(NONE, NONE)),
        (b"v=DMARC1;p=reject;", Record(REJECT, REJECT)),
        (b"v=DMARC1; p=reject; sp=none", Record(REJECT, NONE)),
        (b"v=DMARC1; sp=reject; p=none", Record(NONE, REJECT)),
        (b"V = DMARC1 ;\tP = Reject ; SP=QUARANTINE", Record(REJECT, QUARANTINE)),
        (b"v=DMARC1; p=reject; pct=0", Record(REJECT, REJECT, percent=0)),
        (b"v=DMARC1; p=reject; pct=50", Record(REJECT, REJECT, percent=50)),
        (b"v=DMARC1; p=reject; pct=999", Record(REJECT, REJECT)),
        (b"v=DMARC1; p=reject; pct=1000", Record(REJECT, REJECT)),
        (b"v=DMARC1; p=reject; pct=-1", Record(REJECT, REJECT)),
        (b"v=DMARC1; p=reject; pct=", Record(REJECT, REJECT)),
        ("v=DMARC1; p=reject; pct=\u0663".encode(), Record(REJECT, REJECT)),
        (
            b"v=DMARC1; p=none; adkim=s; aspf=S",
            Record(NONE, NONE, is_dkim_strict=True, is_spf_strict=True),
        ),
        (b"v=DMARC1; p=none; adkim=x; aspf=", Record(NONE, NONE)),
        (b"v=DMARC1; p=reject; t=y", Record(REJECT, REJECT, is_testing=True)),
        # Tags nobody knows, and what is no tag at all.
        (b"v=DMARC1; p=none; x=1; x=2; garbage; =; ;;\xff\x00; fo=1", Record(NONE, NONE)),
        # Who asks for nothing that is known wants reports at least (section 6.6.3 step 6).
        (
            b"v=DMARC1; p=all; rua=mailto:a@b.test",
            Record(NONE, NONE, reports=(Report("a@b.test", None),)),
        ),
        (
            b"v=DMARC1; p=reject; sp=all; rua=mailto:a@b.test",
            Record(NONE, NONE, reports=(Report("a@b.test", None),)),
        ),
        (
            b"v=DMARC1; rua=mailto:a@b.test",
            Record(NONE, NONE, reports=(Report("a@b.test", None),)),
        ),
    ],
)
def test_it_reads_a_record(text: bytes, wanted: Record) -> None:
    assert is_record(text)
    assert parse(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        b"v=DMARC1",
        b"v=DMARC1;",
        b"v=DMARC1; p=",
        b"v=DMARC1; p=all",
        b"v=DMARC1; p=reject; sp=all",
        b"v=DMARC1; p=reject; sp=",
        b"v=DMARC1; p=none; p=reject",
        b"v=DMARC1; p=reject; sp=none; sp=none",
        b"v=DMARC1; rua=https://example.test/",
        b"v=DMARC1; p=reject;" + b" " * SIZE_MAX,
        b"v=DMARC1; " + b"x=1; " * 50 + b"p=reject",
    ],
)
def test_it_says_what_cannot_be_gone_by(text: bytes) -> None:
    assert is_record(text)
    with pytest.raises(RecordError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"v=spf1 -all",
        b"v=DMARC2; p=none",
        b"v=DMARC10; p=none",
        b"v=dmarc1; p=none",
        b" v=DMARC1; p=none",
        b"p=none; v=DMARC1",
        b"v=DMARC1 p=none",
        b'"v=DMARC1; p=none"',
    ],
)
def test_it_leaves_out_what_is_no_record(text: bytes) -> None:
    assert not is_record(text)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("mailto:a@b.test", [Report("a@b.test", None)]),
        ("mailto:a@b.test,MAILTO:c@d.test", [Report("a@b.test", None), Report("c@d.test", None)]),
        ("mailto:a@b.test!10m", [Report("a@b.test", 10 << 20)]),
        (" mailto:a@b.test!5000 , x", [Report("a@b.test", 5000)]),
        ("mailto:a%21b@c.test!1K", [Report("a!b@c.test", 1024)]),
        ("mailto:%22a%2Cb%22@c.test", [Report('"a,b"@c.test', None)]),
        ("mailto:a@B\u00fccher.test", []),
        ("mailto:a@xn--bcher-kva.test?subject=x", [Report("a@xn--bcher-kva.test", None)]),
        ("mailto:a@b.test!10x", []),
        ("mailto:a@b.test!", []),
        ("mailto:a@b.test!m", []),
        ("mailto:a@[127.0.0.1]", []),
        ("mailto:a%0d%0aRCPT@b.test", []),
        ("mailto:%ff@b.test", []),
        ("mailto:\u00e9@b.test", []),
        ("mailto:", []),
        ("http://b.test/", []),
        (",".join(["mailto:a@b.test"] * 50), [Report("a@b.test", None)] * REPORTS_MAX),
    ],
)
def test_it_reads_where_reports_go(value: str, wanted: list[Report]) -> None:
    assert parse(f"v=DMARC1; p=none; rua={value}".encode()).reports == tuple(wanted)


@given(st.binary(max_size=200))
def test_it_fails_in_one_way_alone(text: bytes) -> None:
    try:
        record = parse(b"v=DMARC1;" + text)
    except RecordError:
        return
    assert 0 <= record.percent <= 100
    assert all(report.address.isascii() for report in record.reports)


@pytest.mark.parametrize("piece", [b";", b"p=", b"rua=,", b"%", b"v=DMARC1;", b" ", b"\xff"])
def test_it_takes_no_time_over_garbage(piece: bytes) -> None:
    text = (b"v=DMARC1;" + piece * SIZE_MAX)[:SIZE_MAX]

    def refuse() -> None:
        with pytest.raises(RecordError):
            parse(text)

    assert cost(refuse) < 0.05
