"""What speaks for a message needs a proof; what the DNS owes speaks against nobody."""

import pytest

from apps.mailauth.types import Authentication, Dkim, Dmarc, Policy, Result, Spf
from apps.scan.rules import RULES
from tests.scan.rules.examples import EXAMPLES, LIST
from tests.scan.rules.mail import failed, listed, mail, points, proven, signed, unproven, vouched

OURS = {"ours": ["example.test"]}
# Said by a DNS list about the client's address, and by what we remember to have sent.
PROVEN_OTHERWISE = {"CLIENT_ALLOWED", "BOUNCE_OURS"}
SPEAK_FOR = [rule.name for rule in RULES if rule.points < 0 and rule.name not in PROVEN_OTHERWISE]


@pytest.mark.parametrize("name", SPEAK_FOR)
def test_it_speaks_for_nobody_without_a_proof(name: str) -> None:
    raw = EXAMPLES[name].raw
    assert name not in points(raw, unproven("friend.test"))
    assert name not in points(raw, failed("friend.test", Policy.REJECT))
    assert name not in points(raw, signed("thief.test", "friend.test"))


@pytest.mark.parametrize(
    "found",
    [
        Authentication(dmarc=Dmarc(Result.TEMPERROR, "example.test")),
        Authentication(
            spf=Spf(Result.TEMPERROR, "example.test"), dmarc=Dmarc(author="example.test")
        ),
        Authentication(
            spf=Spf(Result.FAIL, "example.test"),
            dkim=(Dkim(Result.TEMPERROR, "example.test"),),
            dmarc=Dmarc(author="example.test"),
        ),
    ],
)
def test_it_holds_against_nobody_what_the_dns_owes(found: Authentication) -> None:
    named = points(mail(from_="Alice <alice@example.test>"), found, OURS)
    assert named == {}


@pytest.mark.parametrize(
    ("found", "is_forged"),
    [
        (unproven("example.test"), True),
        (failed("example.test"), True),
        (signed("thief.test", "example.test"), True),
        (proven("example.test"), False),
        (signed("mail.example.test", "example.test"), False),
        (vouched("lists.test", "example.test"), False),
    ],
)
def test_it_asks_for_a_proof_of_who_says_to_be_one_of_us(
    found: Authentication, is_forged: bool
) -> None:
    named = points(mail(from_="Alice <alice@example.test>"), found, OURS)
    assert ("FROM_OURS_UNPROVEN" in named) is is_forged


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1", 0.9), ("192.168.7.20", 0.9), ("fd00::7", 0.9), ("198.51.100.7", 5.0), ("", 5.0)],
)
def test_it_bears_with_the_printers_of_our_own_network(address: str, expected: float) -> None:
    raw = mail(from_="Printer <printer@example.test>")
    found = points(raw, unproven("example.test"), OURS, client={"address": address})
    assert found["FROM_OURS_UNPROVEN"] == expected


def test_it_takes_no_list_id_for_a_list() -> None:
    raw = mail(from_="Alice <alice@example.test>", **LIST)
    assert "FROM_OURS_UNPROVEN" in points(raw, unproven("example.test"), OURS)
    assert "FROM_OURS_UNPROVEN" in points(raw, listed("thief.test", "example.test"), OURS)
    named = points(raw, listed("lists.test", "example.test"), OURS | {"list": True})
    assert "FROM_OURS_UNPROVEN" not in named
    assert "LIST_POST" in named


def test_it_takes_no_list_that_nobody_knows_for_one_of_ours() -> None:
    raw = mail(from_="Alice <alice@example.test>", **LIST)
    named = points(raw, listed("lists.test", "example.test"), OURS)
    assert "FROM_OURS_UNPROVEN" in named
    assert "LIST_POST" not in named
    assert "FROM_OURS_UNPROVEN" not in points(raw, vouched("lists.test", "example.test"), OURS)


def test_it_lets_a_list_break_a_signature() -> None:
    raw = mail(**LIST)
    assert "AUTH_DMARC_FAIL" not in points(raw, listed("lists.test", "friend.test"))
    assert "AUTH_DMARC_FAIL" in points(raw, listed("thief.test", "friend.test"))


@pytest.mark.parametrize(
    "text",
    [
        "Your verification code is 482913. I recorded you through your webcam.",
        "Your order number: 482913. You have won! Claim your prize. Verification code inside.",
    ],
)
def test_it_lets_no_code_speak_for_a_lure(text: str) -> None:
    assert not {"LOGIN_CODE", "ORDER_CONFIRMED"} & set(points(mail(text)))
