"""What is kept of a conversation: short, readable, and without secrets."""

import json
from base64 import b64encode
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.smtp.proto.dialogue import HEAD_MOST, LINE_MOST, PREAMBLE_MOST, TAIL_MOST, Dialogue
from apps.wire.spoken import Spoken, lines_of


def dialogue() -> Dialogue:
    """One whose clock goes on by a hundredth of a second with each line."""
    clock = count(0, 1)
    return Dialogue(1_000_000, lambda: next(clock) / 100)


def lines(found: Dialogue) -> list[Spoken]:
    return lines_of(found.told()["dialogue"])


def recipient(found: Dialogue, address: str) -> None:
    line = f"RCPT TO:<{address}>".encode()
    found.client(line, line)
    found.server(b"250 2.1.5 Recipient ok\r\n", line)


def test_it_tells_when_who_said_what() -> None:
    found = dialogue()
    found.server(b"220 mail.example.test ESMTP ready\r\n")
    found.client(b"EHLO me.test")
    found.server(b"250-mail.example.test\r\n250 PIPELINING\r\n")
    found.note("TLS began: TLSv1.3 X")
    found.begin()
    found.client(b"MAIL FROM:<a@x.test>")
    recipient(found, "Alice@Example.TEST")
    assert found.told() == {
        "connected_at": 1_000_000,
        "dialogue": "10 < 220 mail.example.test ESMTP ready\n"
        "20 > EHLO me.test\n"
        "30 < 250-mail.example.test / 250 PIPELINING\n"
        "40 = TLS began: TLSv1.3 X\n"
        "50 > MAIL FROM:<a@x.test>\n"
        "60 > RCPT TO:<Alice@Example.TEST>\tAlice@example.test\n"
        "70 < 250 2.1.5 Recipient ok\tAlice@example.test",
    }


def test_a_transaction_is_told_with_what_was_before_the_first_and_nothing_of_the_others() -> None:
    found = dialogue()
    found.client(b"EHLO me.test")
    for number in range(3):
        found.begin()
        found.client(b"MAIL FROM:<%d@x.test>" % number)
        assert [line.words for line in lines(found)][1:] == [f"MAIL FROM:<{number}@x.test>"]
        found.client(b"RSET")
        found.end()


def test_of_hundreds_of_recipients_it_keeps_the_first_and_the_last() -> None:
    found = dialogue()
    for _ in range(50):
        found.client(b"NOOP")
    found.begin()
    found.client(b"MAIL FROM:<a@x.test>")
    for number in range(1_000):
        recipient(found, f"{number}@x.test")
    told = found.told()
    kept = lines(found)
    assert len(kept) == PREAMBLE_MOST + HEAD_MOST + TAIL_MOST <= 24
    assert told["left_out"] == 2_001 - HEAD_MOST - TAIL_MOST
    assert kept[-1].about == "999@x.test"
    assert kept[PREAMBLE_MOST + 1].about == "0@x.test"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"AUTH PLAIN AGFsaWNlAHNlY3JldA==", "AUTH PLAIN …"),
        (b"auth login YWxpY2U=", "AUTH LOGIN …"),
        (b"AUTH", "AUTH …"),
        (b"AUTH \x1b[31m secret", "AUTH …"),
        (b"AGFsaWNlAHNlY3JldA==", "…"),  # it lost its way, and this is a password
        (b"PASS secret", "…"),
        (b"NOOP secret", "NOOP …"),
        (b"NOOP", "NOOP"),
        (b"", "…"),
        (b"EHLO a\x1b[31m\x07b", "EHLO a?[31m?b"),
        ("MAIL FROM:<a@\u202egpj.test>".encode(), "MAIL FROM:<a@?gpj.test>"),
        (b"MAIL FROM:<\xff\xfe@x.test>", "MAIL FROM:<\ufffd\ufffd@x.test>"),
    ],
)
def test_it_shows_what_may_be_shown(line: bytes, shown: str) -> None:
    found = dialogue()
    found.client(line)
    assert lines(found) == [Spoken(10, ">", shown)]


def test_a_secret_is_not_even_kept_until_it_is_told() -> None:
    found = dialogue()
    found.client(b"AUTH PLAIN AGFsaWNlAHNlY3JldA==")
    found.begin()
    found.client(b"PASS AGFsaWNlAHNlY3JldA==")
    assert b"AGFsaW" not in b"".join(line for _, _, line, _ in found._preamble + found._lines)


def test_a_line_is_cut() -> None:
    found = dialogue()
    found.client(b"EHLO " + b"a" * 1_000_000)
    (line,) = lines(found)
    assert len(line.words) == LINE_MOST
    assert line.words.endswith("a…")


def test_what_is_no_address_names_nobody() -> None:
    found = dialogue()
    recipient(found, "\0")
    recipient(found, "Postmaster")
    assert [line.about for line in lines(found)] == ["", "", "postmaster", "postmaster"]


@given(st.lists(st.binary(max_size=80), max_size=40))
def test_no_octets_break_it(said: list[bytes]) -> None:
    found = dialogue()
    secret = b64encode(b"\0alice\0correct horse").decode()
    for number, line in enumerate(said):
        if number % 5 == 3:
            found.begin()
        found.client(line, line)
        found.client(b"AUTH PLAIN " + secret.encode() + line)
        found.server(line, line)
    told = found.told()
    assert len(lines(found)) <= 24
    joined = "".join(line.words for line in lines(found))
    assert joined.replace("\u200c", "").replace("\u200d", "").isprintable() or not joined
    assert secret not in json.dumps(told)
