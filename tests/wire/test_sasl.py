"""SASL exchanges of PLAIN and LOGIN, with the examples of the RFCs."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.wire.sasl import (
    PASSWORD_MECHANISMS,
    Challenge,
    Credentials,
    Failure,
    FailureReason,
    Login,
    Plain,
    decode_base64,
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


@pytest.mark.parametrize("mechanism", PASSWORD_MECHANISMS.values())
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
    for mechanism in PASSWORD_MECHANISMS.values():
        for line in (first, b64(first)):
            exchange = mechanism()
            if isinstance(exchange.start(line), Challenge):
                assert isinstance(exchange.step(second), Credentials | Failure)
