"""How a message came to us, for scanners that want to read it above the message."""

from typing import Any

import pytest

from apps.mailauth.types import Authentication, Iprev, Result
from apps.reception.judging import Case as Known
from apps.reception.judging import Judgement
from apps.scan.servers.heading import heading
from tests.scan.servers.cases import case


def _received(**given: Any) -> str:
    lines = heading(case(**given), "mail.example.test").decode().split("\r\n")
    assert lines[2] == ""
    assert len(lines) == 3
    return lines[1]


@pytest.mark.parametrize(
    ("iprev", "expected"),
    [
        (Iprev(Result.PASS, "mx.writer.test"), "from mx.writer.test (mx.writer.test [192.0.2.7])"),
        (Iprev(Result.FAIL), "from mx.writer.test (unknown [192.0.2.7])"),
        (Iprev(Result.TEMPERROR), "from [192.0.2.7] (helo=mx.writer.test)"),
        (Iprev(), "from [192.0.2.7] (helo=mx.writer.test)"),
    ],
)
def test_it_says_what_is_known_of_the_client(iprev: Iprev, expected: str) -> None:
    judgement = Judgement(Known(Authentication(iprev))).as_data()
    line = _received(judgement=judgement)
    assert line.startswith(f"Received: {expected} by mail.example.test with ESMTP id ")


def test_it_tells_mail_of_our_users_from_that_of_strangers() -> None:
    assert "with ESMTPSA" in _received(user_id=7)
    assert "from localhost (localhost [127.0.0.1])" in _received(user_id=7, client={})


@pytest.mark.parametrize(
    "evil", ["a\r\nX: y", "a) by evil (b", "a\x00b", "a b", "\ud800", "\u2028", "a>b"]
)
def test_nobody_writes_a_line_of_his_own(evil: str) -> None:
    given: dict[str, Any] = {"sender": evil, "client": {"address": "192.0.2.7", "helo": evil}}
    text = heading(case(**given), "mail.example.test")
    assert text.count(b"\r\n") == 2
    assert text.count(b"(") == 1
    assert b"\x00" not in text


def test_it_is_bounded() -> None:
    given: dict[str, Any] = {
        "sender": "x" * 100_000,
        "client": {"address": "192.0.2.7", "helo": "y" * 100_000},
    }
    assert len(heading(case(**given), "mail.example.test")) < 2_000
