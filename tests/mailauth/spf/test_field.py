"""Received-SPF: what it tells, and that nobody can write into it what they like."""

import email
import re
from email.policy import SMTP
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth.spf import received_spf
from apps.mailauth.types import Client, Result, Spf

CLIENT: Final = Client("192.0.2.1", "mail.example.org", "alice@example.org", "mx.example.net")
PASSED: Final = Spf(Result.PASS, "example.org", "mfrom", "", "include:_spf.example.org")
RESULTS: Final = [
    Result.NONE,
    Result.PASS,
    Result.FAIL,
    Result.SOFTFAIL,
    Result.NEUTRAL,
    Result.TEMPERROR,
    Result.PERMERROR,
]

# The grammar of RFC 7208 section 9.1, with UTF-8 in quoted strings as RFC 6532 has it.
ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
QUOTED: Final = r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*"'
PAIR: Final = rf"[a-z-]+=(?:{ATOM}(?:\.{ATOM})*|{QUOTED})"
COMMENT: Final = r"\((?:[^()\\\x00-\x1f\x7f]|\\[ -~])*\)"
FIELD: Final = re.compile(
    rf"Received-SPF: [a-z]+\r\n {COMMENT}\r\n {PAIR}(?:;\r\n {PAIR})*\r\n", re.ASCII
)


def test_it_tells_everything_there_is() -> None:
    assert received_spf(PASSED, CLIENT) == (
        b"Received-SPF: pass\r\n"
        b" (mx.example.net: example.org lets 192.0.2.1 use its name)\r\n"
        b" receiver=mx.example.net;\r\n"
        b" client-ip=192.0.2.1;\r\n"
        b' envelope-from="alice@example.org";\r\n'
        b" helo=mail.example.org;\r\n"
        b" identity=mailfrom;\r\n"
        b' mechanism="include:_spf.example.org"\r\n'
    )


def test_it_tells_of_the_null_path_of_helo_and_of_problems() -> None:
    found = Spf(Result.PERMERROR, "mail.example.org", "helo", "more than 10 look-ups")
    assert received_spf(found, Client("2001:db8::1", "mail.example.org", "", "mx.example.net")) == (
        b"Received-SPF: permerror\r\n"
        b" (mx.example.net: the record of mail.example.org cannot be used)\r\n"
        b" receiver=mx.example.net;\r\n"
        b' client-ip="2001:db8::1";\r\n'
        b' envelope-from="";\r\n'
        b" helo=mail.example.org;\r\n"
        b" identity=helo;\r\n"
        b' problem="more than 10 look-ups"\r\n'
    )


@pytest.mark.parametrize("result", RESULTS)
def test_it_has_words_for_every_result(result: Result) -> None:
    for spf in (Spf(result, "example.org"), Spf(result)):
        for client in (CLIENT, Client("", "", "", "mx.example.net")):
            field = received_spf(spf, client).decode()
            assert FIELD.fullmatch(field), field
            assert field.startswith(f"Received-SPF: {result}\r\n")


@pytest.mark.parametrize(
    "evil",
    [
        "x\r\nSubject: forged",
        "x\nSubject: forged",
        "x\rSubject: forged",
        "x\x00y",
        'x"; client-ip=1.2.3.4; x="',
        "x\\",
        'x\\"',
        "(comment",
        "a) spf=pass (b",
        "x\u2028Subject: forged",
        "x\u0085y",
        "x\udcff\udcfe",
        "\x1b[31m",
        "x" * 5_000,
    ],
)
def test_it_cannot_be_broken_out_of(evil: str) -> None:
    client = Client("192.0.2.1", evil, f"{evil}@example.org", "mx.example.net")
    spf = Spf(Result.TEMPERROR, evil[:60], "mfrom", evil, evil)
    field = received_spf(spf, client).decode()
    assert FIELD.fullmatch(field), field
    assert all(len(line) < 998 for line in field.split("\r\n"))
    read = email.message_from_string(f"{field}Subject: ours\r\n\r\n", policy=SMTP)
    assert read.keys() == ["Received-SPF", "Subject"]
    assert read["Subject"] == "ours"
    assert field.count("client-ip=192.0.2.1;") == 1


def test_it_keeps_addresses_that_are_not_ascii() -> None:
    """Such a path came with SMTPUTF8, so the message may hold it (RFC 6532)."""
    client = Client("192.0.2.1", "b\u00fccher.example", "andr\u00e9@example.org", "mx.example.net")
    field = received_spf(PASSED, client).decode()
    assert ' envelope-from="andr\u00e9@example.org";\r\n' in field
    assert " helo=b?cher.example;\r\n" in field


@given(
    st.text(max_size=400), st.text(max_size=400), st.text(max_size=400), st.sampled_from(RESULTS)
)
def test_it_keeps_the_grammar_whatever_was_said(
    helo: str, sender: str, words: str, result: Result
) -> None:
    client = Client("192.0.2.1", helo, sender, "mx.example.net")
    field = received_spf(Spf(result, "example.org", "mfrom", words, words), client)
    assert FIELD.fullmatch(field.decode())
