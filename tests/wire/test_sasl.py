"""SASL exchanges and SCRAM keys, with the examples of the RFCs."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.wire.sasl import (
    MECHANISMS,
    Challenge,
    Credentials,
    Failure,
    FailureReason,
    Login,
    Plain,
    decode_base64,
    saslprep,
    scram_keys,
)


def b64(raw: bytes) -> bytes:
    return base64.b64encode(raw)


def test_it_reads_plain_of_rfc_4616() -> None:
    assert Plain().start(b64(b"\0tim\0tanstaaftanstaaf")) == Credentials(
        "", "tim", "tanstaaftanstaaf"
    )
    assert Plain().start(b64(b"Ursel\0Kurt\0xipj3plmq")) == Credentials(
        "Ursel", "Kurt", "xipj3plmq"
    )


def test_it_asks_when_plain_has_no_initial_response() -> None:
    exchange = Plain()
    assert exchange.start(None) == Challenge(b"")
    assert exchange.step(b64("\0jörg\0pässwörd".encode())) == Credentials("", "jörg", "pässwörd")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"tim\0secret", FailureReason.BAD_FORMAT),
        (b"\0tim\0secret\0", FailureReason.BAD_FORMAT),
        (b"\0\0secret", FailureReason.BAD_FORMAT),
        (b"\0tim\0", FailureReason.BAD_FORMAT),
        (b"\0t\xff\0x", FailureReason.BAD_FORMAT),
        (b"\0tim\0" + b"x" * 1_025, FailureReason.TOO_LONG),
        (b"", FailureReason.BAD_FORMAT),
    ],
)
def test_it_refuses_plain_that_is_not_strict(raw: bytes, reason: FailureReason) -> None:
    assert Plain().start(b64(raw) or b"=") == Failure(reason)


@pytest.mark.parametrize("mechanism", MECHANISMS.values())
def test_it_lets_the_client_cancel(mechanism: type[Plain] | type[Login]) -> None:
    exchange = mechanism()
    exchange.start(None)
    assert exchange.step(b"*") == Failure(FailureReason.CANCELLED)


@pytest.mark.parametrize(
    "line", [b"AGEAYg", b"AGEAYg==\n", b"AG EAYg==", b"AGEA-g==", b"A", b"====", b"AA=A"]
)
def test_it_takes_strict_base64_only(line: bytes) -> None:
    assert decode_base64(line) is None
    assert Plain().start(line) == Failure(FailureReason.BAD_BASE64)


def test_it_refuses_an_endless_line() -> None:
    assert Plain().start(b"A" * 20_000) == Failure(FailureReason.TOO_LONG)


def test_it_speaks_login() -> None:
    exchange = Login()
    asked = exchange.start(None)
    assert isinstance(asked, Challenge)
    assert asked.encoded == b"VXNlcm5hbWU6"
    asked = exchange.step(b64(b"tim"))
    assert isinstance(asked, Challenge)
    assert asked.encoded == b"UGFzc3dvcmQ6"
    assert exchange.step(b64(b"secret")) == Credentials("", "tim", "secret")


def test_it_takes_the_login_name_at_once() -> None:
    exchange = Login()
    assert exchange.start(b64(b"tim")) == Challenge(b"Password:")
    assert exchange.step(b"") == Failure(FailureReason.BAD_FORMAT)


def test_it_hides_the_password() -> None:
    assert "secret" not in repr(Plain().start(b64(b"\0tim\0secret")))


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_it_survives_any_answer(first: bytes, second: bytes) -> None:
    for mechanism in MECHANISMS.values():
        for line in (first, b64(first)):
            exchange = mechanism()
            if isinstance(exchange.start(line), Challenge):
                assert isinstance(exchange.step(second), Credentials | Failure)


def proof_is_right(stored_key: bytes, auth: bytes, proof: bytes, algorithm: str) -> bool:
    """Check a client's proof as RFC 5802 section 3 has the server do it."""
    signature = hmac.digest(stored_key, auth, algorithm)
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    return hashlib.new(algorithm, client_key).digest() == stored_key


def test_it_derives_the_keys_of_rfc_5802() -> None:
    salt = base64.b64decode("QSXCR+Q6sek8bf92")
    auth = (
        b"n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
        b"s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"
    )
    stored_key, server_key = scram_keys("pencil", salt, 4_096, "sha1")
    assert proof_is_right(
        stored_key, auth, base64.b64decode("v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="), "sha1"
    )
    assert (
        base64.b64encode(hmac.digest(server_key, auth, "sha1")) == b"rmF9pqV8S7suAoZWja4dJRkFsKQ="
    )


def test_it_derives_the_keys_of_rfc_7677() -> None:
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    auth = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    stored_key, server_key = scram_keys("pencil", salt, 4_096)
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    assert proof_is_right(stored_key, auth, proof, "sha256")
    signature = base64.b64encode(hmac.digest(server_key, auth, "sha256"))
    assert signature == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
    ],
)
def test_it_prepares_strings_as_rfc_4013(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031", "a\u0627b", "\ue000"])
def test_it_prohibits_what_rfc_4013_prohibits(text: str) -> None:
    with pytest.raises(ValueError, match=r"prohibited|directions"):
        saslprep(text)


def test_it_derives_keys_for_any_password() -> None:
    keys = {scram_keys(password, b"salt", 10) for password in ("\u0007", "a\u0627b", "😀")}
    assert len(keys) == 3
    assert scram_keys("\u2168", b"salt", 10) == scram_keys("IX", b"salt", 10)
