"""Recognising mail that may carry a report, cheaply and for any octets."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.delivery import incoming
from apps.mailauth.types import Authentication, Dkim, Dmarc, Result, Spf
from apps.reception.judging import Case, Judgement
from apps.reports.unpacking import MESSAGE_MAX
from tests.reports.samples import bare_mail, gzipped, mail, named, tls_mail, xml, zipped
from tests.support.cost import cost
from tests.support.mail import RAW

ID = UUID(int=1)


@dataclass(frozen=True)
class Mail:
    """A claimed message, as far as it is asked for."""

    door: str = "mx"
    trace_id: UUID = ID
    blob_id: UUID = ID
    received_at_us: int = 1_700_000_000_999_999


def judged(**found: object) -> Judgement:
    return Judgement(Case(Authentication(**found)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "raw",
    [
        mail(gzipped(xml())),
        mail(gzipped(xml()), subject="RePoRt DoMaIn: a.test"),
        mail(gzipped(xml()), subject="?"),
        bare_mail(zipped(xml()), subject="?"),
        tls_mail(b"{}"),
    ],
    ids=named,
)
def test_it_knows_a_report(raw: bytes) -> None:
    assert incoming.looks_like_report(raw)


@pytest.mark.parametrize(
    "raw",
    [
        RAW,
        b"",
        b"Subject: x\r\n\r\nReport Domain: example.test\r\n",
        mail(b"", subject="?").replace(b"!1459468800!1459555199", b""),
        mail(b"") + b" " * MESSAGE_MAX,
    ],
    ids=named,
)
def test_it_knows_what_is_none(raw: bytes) -> None:
    assert not incoming.looks_like_report(raw)


def test_it_costs_next_to_nothing() -> None:
    raw = RAW + b"a quite usual line of text\r\n" * 5_000
    spent = cost(lambda: [incoming.looks_like_report(raw) for _ in range(1_000)])
    assert spent < 0.5  # half a millisecond each


@pytest.mark.parametrize(
    ("judgement", "is_genuine"),
    [
        (None, False),
        (judged(), False),
        (judged(dmarc=Dmarc(Result.PASS, author="big.example")), True),
        (judged(dmarc=Dmarc(Result.PASS, author="other.example")), False),
        (judged(dmarc=Dmarc(Result.FAIL), dkim=(Dkim(Result.PASS, "big.example"),)), False),
        (judged(dkim=(Dkim(Result.PASS, "mail.big.example"),)), True),
        (judged(spf=Spf(Result.PASS, "big.example")), True),
        (judged(spf=Spf(Result.PASS, "other.example")), False),
        (judged(dkim=(Dkim(Result.FAIL, "big.example"),)), False),
        (judged(dmarc=Dmarc(Result.TEMPERROR)), False),
    ],
)
def test_it_says_whether_the_sender_is_proved(
    judgement: Judgement | None, is_genuine: bool
) -> None:
    found = incoming.arrived(Mail(), mail(b""), [5, 7, 5], judgement)
    assert found is not None
    assert (found.sender, found.is_genuine) == ("big.example", is_genuine)
    assert (found.readers, found.at) == ((5, 7), 1_700_000_000)


@pytest.mark.parametrize("door", ["dmarcreport", "tlsreport"])
def test_our_own_reports_are_genuine(door: str) -> None:
    found = incoming.arrived(Mail(door), mail(b""), [1], None)
    assert found is not None
    assert found.is_genuine


@pytest.mark.parametrize(
    "author",
    [
        "",
        "nobody",
        "a@big.example, b@other.test",
        "a@-.-",
        "a@[192.0.2.1",
        '"a@b" <>',
        "a@" + "x" * 300,
    ],
)
def test_nobody_proves_an_author_that_is_none(author: str) -> None:
    judgement = judged(spf=Spf(Result.PASS, "big.example"))
    found = incoming.arrived(Mail(), mail(b"", author=author), [1], judgement)
    assert found is not None
    assert not found.is_genuine


def test_nothing_is_noted_without_a_reader() -> None:
    assert incoming.arrived(Mail(), mail(b""), [], None) is None


@given(st.binary(max_size=300))
def test_it_takes_any_octets(octets: bytes) -> None:
    raw = b"Subject: report domain: x\r\n" + octets
    assert incoming.arrived(Mail(), raw, [1], judged()) is not None
    incoming.looks_like_report(octets)
