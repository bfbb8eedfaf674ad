"""What asks for patience, whose it is, and who may know the sender."""

import dataclasses

import pytest

from apps.mailauth.types import Authentication, Dkim, Dmarc, Result, Spf
from apps.reception.arrival import Addressee
from tests.reception.letters import (
    FORGED,
    ODD,
    PROVEN,
    SILENT,
    SMALL,
    UNKNOWN,
    arrival,
)
from tests.support.cost import cost

DOUBTFUL = [
    (UNKNOWN, "neither SPF nor DKIM"),
    (FORGED, "nothing proves that it is from shop.test"),
    (Authentication(spf=Spf(Result.SOFTFAIL, "shop.test")), "shop.test does not let"),
    (Authentication(spf=Spf(Result.FAIL, "shop.test")), "shop.test does not let"),
    (Authentication(spf=Spf(Result.NEUTRAL, "shop.test")), "neither SPF nor DKIM"),
    (Authentication(dkim=(Dkim(Result.FAIL, "shop.test"),)), "neither SPF nor DKIM"),
    (dataclasses.replace(PROVEN, dmarc=Dmarc(Result.FAIL, "bank.test")), "bank.test"),
]
FINE = [
    PROVEN,
    Authentication(dkim=(Dkim(Result.PASS, "shop.test"),)),
    Authentication(spf=Spf(Result.PASS, "shop.test")),
    # A mailing list broke SPF, and the signature holds.
    dataclasses.replace(PROVEN, spf=Spf(Result.FAIL, "list.test")),
    # ARC: a trusted forwarder saw that it was genuine.
    Authentication(
        spf=Spf(Result.PASS, "list.test"),
        dmarc=Dmarc(Result.FAIL, "shop.test", override="trusted_forwarder"),
    ),
    # The DNS owes an answer that might speak for it.
    SILENT,
    Authentication(spf=Spf(Result.FAIL, "a.test"), dkim=(Dkim(Result.TEMPERROR, "a.test"),)),
    Authentication(dmarc=Dmarc(Result.TEMPERROR, "shop.test")),
]


@pytest.mark.parametrize(("found", "why"), DOUBTFUL)
def test_it_doubts(found: Authentication, why: str) -> None:
    assert why in arrival(found).doubt


@pytest.mark.parametrize("found", FINE)
def test_it_does_not_doubt(found: Authentication) -> None:
    assert arrival(found).doubt == ""
    assert arrival(found, suspicions=(SMALL,)).doubt == ""


@pytest.mark.parametrize("found", FINE)
def test_it_doubts_what_comes_oddly(found: Authentication) -> None:
    assert arrival(found, suspicions=(ODD,)).doubt == "The address has no name"
    assert "HELO is no full name" in arrival(found, suspicions=(SMALL, SMALL)).doubt


def test_it_trusts_our_own_hosts() -> None:
    assert arrival(FORGED, suspicions=(ODD,), is_trusted=True).doubt == ""


def test_it_remembers_a_proven_domain_whatever_its_network() -> None:
    assert arrival(PROVEN, address="192.0.2.7").origin == "shop.test"
    assert arrival(PROVEN, address="203.0.113.9").origin == "shop.test"
    assert arrival(UNKNOWN).origin == "192.0.2.0/24"
    assert arrival(FORGED).origin == "192.0.2.0/24"
    assert arrival(UNKNOWN, address="").origin == ""


def test_it_knows_a_sender_by_proof_or_by_network() -> None:
    assert arrival(PROVEN).names == ("shop.test",)
    assert arrival(UNKNOWN).names == ("shop.test from 192.0.2.0/24",)
    assert arrival(UNKNOWN, sender="x@mail.shop.test").names == arrival(UNKNOWN).names
    assert arrival(UNKNOWN, sender="").names == ()
    assert arrival(UNKNOWN, sender="broken").names == ()
    assert arrival(UNKNOWN, address="").names == ()


def test_it_knows_few_names_however_many_signatures() -> None:
    signatures = tuple(Dkim(Result.PASS, f"d{n}.test") for n in range(10))
    assert len(arrival(Authentication(dkim=signatures)).names) == 3


def test_it_names_the_people_it_may_be_from() -> None:
    raw = b"From: Ann <Ann@Shop.TEST>, b@other.test\r\n\r\n"
    assert arrival(UNKNOWN, raw=raw).people == ("news@shop.test", "ann@shop.test", "b@other.test")
    assert arrival(UNKNOWN, raw=b"\r\n", sender="").people == ()
    assert arrival(UNKNOWN, raw=b"From: <>, @, x@, \xff@\xff\r\n\r\n", sender="").people == ()


def test_it_believes_no_name_that_is_disproved() -> None:
    assert arrival(FORGED).people == ()
    softly = Authentication(spf=Spf(Result.SOFTFAIL, "shop.test"))
    assert arrival(softly, raw=b"From: ann@shop.test\r\n\r\n").people == ("ann@shop.test",)


def test_it_names_what_is_answered() -> None:
    raw = b"In-Reply-To: your message\r\n\t<1.2@example.test> of today\r\n\r\n"
    assert arrival(raw=raw).answers == "<1.2@example.test>"
    assert arrival().answers == ""


@pytest.mark.parametrize(
    ("address", "is_role"),
    [
        ("postmaster", True),
        ("Postmaster@example.test", True),
        ('"abuse"@example.test', True),
        ("postmaster.x@example.test", False),
        ("alice@example.test", False),
        ("", False),
    ],
)
def test_it_knows_addresses_that_take_everything(address: str, is_role: bool) -> None:
    assert Addressee(address, 1, greylists=True).is_role is is_role


def test_it_looks_at_the_beginning_of_large_mail_only() -> None:
    raw = b"From: a@b.test\r\n" + b"X: " + b"x" * 20_000_000 + b"\r\nIn-Reply-To: <a@b>\r\n\r\n"
    one = arrival(raw=raw)
    assert (one.people, one.answers) == (("news@shop.test", "a@b.test"), "")
    assert cost(lambda: (*(again := arrival(raw=raw)).people, again.answers)) < 0.1
