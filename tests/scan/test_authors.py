"""Who wrote, and what proves it: nothing that a forger can write counts."""

from dataclasses import replace

import pytest

from apps.mailauth.types import Arc, Authentication, Dkim, Dmarc, Policy, Result, Spf
from apps.scan.authors import NOBODY, author_of
from tests.scan.cases import FORGED, PROVEN, case, judged, letter

SIGNED = Authentication(
    dkim=(Dkim(Result.PASS, "mail.friend.test"),), dmarc=Dmarc(author="friend.test")
)


@pytest.mark.parametrize(
    ("found", "proof"),
    [
        (PROVEN, "the DKIM signature of friend.test"),
        (SIGNED, "the DKIM signature of mail.friend.test"),
        (
            Authentication(
                spf=Spf(Result.PASS, "bounce.friend.test"), dmarc=Dmarc(author="friend.test")
            ),
            "SPF of bounce.friend.test",
        ),
        (
            Authentication(
                arc=Arc(Result.PASS, 1, ("lists.test",), vouched="lists.test"),
                dmarc=Dmarc(Result.FAIL, "friend.test", policy=Policy.REJECT),
            ),
            "the word of lists.test, which forwarded it (ARC)",
        ),
        (Authentication(), ""),
        (FORGED, ""),
        (
            Authentication(
                dkim=(Dkim(Result.PASS, "thief.test"),), dmarc=Dmarc(author="friend.test")
            ),
            "",
        ),
        (
            Authentication(
                dkim=(Dkim(Result.FAIL, "friend.test"),), dmarc=Dmarc(author="friend.test")
            ),
            "",
        ),
        (
            Authentication(
                spf=Spf(Result.SOFTFAIL, "friend.test"), dmarc=Dmarc(author="friend.test")
            ),
            "",
        ),
        # The domain asks for more than the same organisation (adkim=s), and did not get it.
        (replace(SIGNED, dmarc=Dmarc(Result.FAIL, "friend.test")), ""),
        # The door understood From in another way.
        (replace(PROVEN, dmarc=Dmarc(Result.PASS, "other.test")), ""),
        # A chain that says so itself, of nobody who is trusted.
        (
            Authentication(
                arc=Arc(Result.PASS, 1, ("thief.test",)), dmarc=Dmarc(Result.FAIL, "friend.test")
            ),
            "",
        ),
        (
            Authentication(
                arc=Arc(Result.FAIL, 1, vouched="lists.test"), dmarc=Dmarc(author="friend.test")
            ),
            "",
        ),
    ],
)
def test_it_believes_only_what_a_forger_cannot_bring_about(
    found: Authentication, proof: str
) -> None:
    author = author_of(case(judgement=judged(found)))
    assert (author.key, author.domain) == ("friend@friend.test", "friend.test")
    assert author.proof == proof


@pytest.mark.parametrize(
    "raw",
    [
        b"From: a@friend.test, b@friend.test\r\n\r\n",
        b"From: a@friend.test\r\nFrom: a@friend.test\r\n\r\n",
        b"From: nobody\r\n\r\n",
        b"Subject: no author\r\n\r\n",
        b"",
    ],
)
def test_it_knows_no_author_where_there_is_not_exactly_one(raw: bytes) -> None:
    assert author_of(case(raw=raw)) == NOBODY
    assert NOBODY.organisation == ""


def test_it_believes_users_who_signed_in() -> None:
    author = author_of(case(user_id=7, door="submission", judgement={}))
    assert author.proof == "the password of the user who sends it"


def test_it_believes_nothing_where_nothing_was_asked() -> None:
    assert author_of(case(judgement={})).proof == ""


def test_it_knows_the_organisation() -> None:
    author = author_of(case(raw=letter("A <a@mail.friend.co.uk>")))
    assert author.organisation == "friend.co.uk"
