"""Whoever writes a message chooses its words, not how long rules look at them."""

import pytest

from apps.mailauth.types import Authentication
from apps.scan.rules import ContentRules
from tests.scan.rules.mail import case, mail, unproven
from tests.support.cost import cost

MUCH = 400_000  # characters
SECONDS = 1.0
NOBODY: Authentication = unproven("friend.test")

BAITS = [
    "Re: ",
    "[a] ",
    "Dear ",
    "Dear alice@example.test,\n",
    "your ",
    "verify your account ",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb ",
    "123-456 ",
    "1 (2) ",
    "+1 808 ",
    "v1agra",
    "\u0430b",
    "ab\u0430 ",
    "a\u200b",
    "\U0001d400",
    "A",
    "!",
    "a<!---->b",
    "a<b></b>",
    "<p style='color:#fff'>x</p>",
    "验证码",
    "www.a.test ",
    "a@b.test ",
    "=",
    "\u0650",
]


def look(raw: bytes) -> None:
    ContentRules().judge(case(raw, NOBODY), {"ours": ["example.test"]})


@pytest.mark.parametrize("bait", BAITS)
def test_it_takes_no_bait(bait: str) -> None:
    text = bait * (MUCH // len(bait))
    raw = mail(text, html=f"<p>{text}")
    assert cost(lambda: look(raw), tries=1) < SECONDS


@pytest.mark.parametrize(
    "bait", ["Re: ", "[a] ", "a", " ", "!", "A ", "\u0430b", "=?utf-8?q?=41?= "]
)
def test_it_takes_no_bait_in_the_header(bait: str) -> None:
    text = bait * (50_000 // len(bait))
    fields = f"List-Id: {text}\r\nReceived: {text};{text}\r\nX-Spam: {text}\r\nSubject: {text}\r\n"
    raw = fields.encode() + mail(subject=None, from_=f'"{text}" <x@y.test>', precedence=text)
    assert cost(lambda: look(raw), tries=1) < SECONDS


def test_it_costs_little_for_a_letter_of_the_usual_size() -> None:
    text = "Dear Alice, the account of the last meeting is on your desk. Please look. " * 90
    raw = mail(text, html=f"<p>{text[:3_000]}</p><a href='https://a.test/x'>more</a>")
    assert 9_000 < len(raw) < 12_000
    look(raw)
    # Two milliseconds on the machine it was written on; only what makes it many times worse fails.
    assert cost(lambda: look(raw), tries=5) < 0.02
