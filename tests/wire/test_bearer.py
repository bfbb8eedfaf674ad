"""OAUTHBEARER with the examples of RFC 7628, XOAUTH2 with those of its public description."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.wire.bearer import (
    INSUFFICIENT_SCOPE,
    INVALID_REQUEST,
    INVALID_TOKEN,
    OAuthBearer,
    XOAuth2,
)
from apps.wire.sasl import Challenge, Failure, FailureReason, Malformed, Refused, TokenClaim

TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
# RFC 7628 section 4.1, IMAP and SMTP.
BY_IMAP = (
    b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI"
    b"HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
)
BY_SMTP = (
    b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmd"
    b"DRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
)
# Section 4.3.
EMPTY = b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE="
ANSWER = {
    "status": "invalid_token",
    "scope": "example_scope",
    "openid-configuration": "https://example.com/.well-known/openid-configuration",
}
# Section 4.4: no gs2-header, for `user=` has no place in one.
ODD = (
    b"bix1c2VyPXNvbWV1c2VyQGV4YW1wbGUuY29tLAFhdXRoPUJlYXJl"
    b"ciB2RjlkZnQ0cW1UYzJOdmIzUmxja0JoZEhSaGRtbHpkR0V1WTI5dENnPT0BAQ=="
)
# https://developers.google.com/gmail/imap/xoauth2-protocol
XOAUTH2 = (
    b"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhk"
    b"SFJoZG1semRHRXVZMjl0Q2cBAQ=="
)


def b64(text: str | bytes) -> bytes:
    return base64.b64encode(text.encode() if isinstance(text, str) else text)


@pytest.mark.parametrize("line", [BY_IMAP, BY_SMTP])
def test_it_reads_the_examples_of_rfc_7628(line: bytes) -> None:
    claim = TokenClaim("user@example.com", TOKEN, "server.example.com")
    assert OAuthBearer().start(line) == claim
    exchange = OAuthBearer()
    assert exchange.start(None) == Challenge(b"")
    assert exchange.step(line) == claim
    assert TOKEN not in repr(claim)


@pytest.mark.parametrize("end", [b"AQ==", b"*", b"", b"anything"])
def test_it_fails_after_the_client_has_heard_why(end: bytes) -> None:
    exchange = OAuthBearer()
    assert exchange.start(EMPTY) == TokenClaim("user@example.com", "", "server.example.com")
    told = exchange.refuse(
        INVALID_TOKEN, scope="example_scope", configuration=ANSWER["openid-configuration"]
    )
    assert json.loads(told.data) == ANSWER
    assert told.encoded == (
        b"eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3Vy"
        b"YXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0="
    )
    assert exchange.step(end) == Refused()


def test_it_says_no_more_than_there_is_to_say() -> None:
    exchange = OAuthBearer()
    assert exchange.refuse(INSUFFICIENT_SCOPE).data == b'{"status":"insufficient_scope"}'


def test_it_does_not_take_the_odd_example_for_a_claim() -> None:
    assert OAuthBearer().start(ODD) == Malformed()


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("n,,\x01auth=Bearer abc\x01\x01", TokenClaim("", "abc")),
        ("y,,\x01auth=bEaReR abc\x01\x01", TokenClaim("", "abc")),
        ("n,a=a=2Cb=3Dc,\x01auth=Bearer abc\x01\x01", TokenClaim("a,b=c", "abc")),
        ("n,a=jörg@example.com,\x01auth=Bearer a.b-c_d~e+f/g=\x01\x01", None),
        ("n,,\x01later=x\ty\r\n z\x01auth=Bearer abc\x01\x01", TokenClaim("", "abc")),
        ("n,,\x01host=h\x01port=993\x01auth=Bearer abc\x01\x01", TokenClaim("", "abc", "h")),
    ],
)
def test_it_reads_messages(text: str, claim: TokenClaim | None) -> None:
    wanted = claim or TokenClaim("jörg@example.com", "a.b-c_d~e+f/g=")
    assert OAuthBearer().start(b64(text)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "n,,",
        "n,,\x01\x01",
        "n,,\x01host=h\x01\x01",
        "n,,\x01auth=Bearer abc\x01",
        "n,,\x01auth=Bearer abc",
        "n,,auth=Bearer abc\x01\x01",
        "n,,\x01auth=Bearer abc\x01x\x01",
        "n,,\x01auth=Bearer abc\x01\x01\x01",
        "n,,\x01auth=Bearer abc\x01auth=Bearer def\x01\x01",
        "n,,\x01auth=Bearer a b\x01\x01",
        "n,,\x01auth=Bearer \x01\x01",
        "n,,\x01auth=Bearer äbc\x01\x01",
        "n,,\x01auth=Basic abc\x01\x01",
        "n,,\x01auth2=x\x01auth=Bearer abc\x01\x01",
        "n,,\x01port=0\x01auth=Bearer abc\x01\x01",
        "n,,\x01port=0993\x01auth=Bearer abc\x01\x01",
        "p=tls-exporter,,\x01auth=Bearer abc\x01\x01",
        "n,a=,\x01auth=Bearer abc\x01\x01",
        "n,a=b=c,\x01auth=Bearer abc\x01\x01",
        "n,user=b,\x01auth=Bearer abc\x01\x01",
        "F,n,,\x01auth=Bearer abc\x01\x01",
        "n\x01auth=Bearer abc\x01\x01",
        "n,a=" + "u" * 1_100 + ",\x01auth=Bearer abc\x01\x01",
    ],
)
def test_it_knows_what_is_no_message(text: str) -> None:
    exchange = OAuthBearer()
    assert exchange.start(b64(text)) == Malformed()
    assert json.loads(exchange.refuse(INVALID_REQUEST).data) == {"status": "invalid_request"}
    assert exchange.step(b"AQ==") == Refused()


def test_it_knows_what_is_no_text() -> None:
    assert OAuthBearer().start(b64(b"n,,\x01auth=Bearer a\xff\x01\x01")) == Malformed()


@pytest.mark.parametrize("mechanism", [OAuthBearer, XOAuth2])
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"*", FailureReason.CANCELLED),
        (b"!", FailureReason.BAD_BASE64),
        (b"=", FailureReason.BAD_FORMAT),
        (b"AQ==", FailureReason.BAD_FORMAT),
        (b"A" * 12_292, FailureReason.TOO_LONG),
    ],
)
def test_it_ends_at_once_where_nothing_can_be_told(
    mechanism: type[OAuthBearer], line: bytes, reason: FailureReason
) -> None:
    assert mechanism().start(line) == Failure(reason)


def test_it_reads_the_example_of_xoauth2() -> None:
    claim = TokenClaim("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    assert XOAuth2().start(XOAUTH2) == claim


@pytest.mark.parametrize(
    ("status", "told"),
    [(INVALID_TOKEN, "401"), (INSUFFICIENT_SCOPE, "401"), (INVALID_REQUEST, "400")],
)
def test_it_refuses_xoauth2_in_its_own_words(status: str, told: str) -> None:
    exchange = XOAuth2()
    exchange.start(XOAUTH2)
    answer = exchange.refuse(status, scope="https://mail.google.com/")
    wanted = {"status": told, "schemes": "bearer", "scope": "https://mail.google.com/"}
    assert json.loads(answer.data) == wanted
    assert exchange.step(b"") == Refused()  # the description asks for an empty answer


@pytest.mark.parametrize(
    "text",
    [
        "user=a\x01auth=Bearer abc\x01",
        "user=a\x01auth=Bearer abc",
        "user=\x01auth=Bearer abc\x01\x01",
        "user=a\x01auth=abc\x01\x01",
        "auth=Bearer abc\x01user=a\x01\x01",
        "n,a=a,\x01auth=Bearer abc\x01\x01",
        "user=" + "u" * 1_100 + "\x01auth=Bearer abc\x01\x01",
    ],
)
def test_it_knows_what_is_no_xoauth2(text: str) -> None:
    assert XOAuth2().start(b64(text)) == Malformed()


@given(st.binary(max_size=120), st.binary(max_size=40))
def test_it_survives_any_message(first: bytes, second: bytes) -> None:
    for mechanism in (OAuthBearer, XOAuth2):
        for line in (first, b64(first), b64(b"n,,\x01" + first), b64(b"user=a\x01auth=" + first)):
            exchange = mechanism()
            outcome = exchange.start(line)
            assert isinstance(outcome, TokenClaim | Malformed | Failure)
            exchange.refuse(INVALID_TOKEN)
            assert exchange.step(second) == Refused()
