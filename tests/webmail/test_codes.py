"""Codes in mail: found where a word says so, and never something else."""

import pytest

from apps.webmail.codes import find
from tests.support.cost import cost


@pytest.mark.parametrize(
    ("subject", "text", "code"),
    [
        ("Your code is 123456", "", "123456"),
        ("Sign-in code", "Hello,\n\nYour verification code is 482 913.\n\nThanks", "482 913"),
        ("Ihr Bestätigungscode", "Guten Tag,\n\n  847261\n\nEr gilt zehn Minuten.", "847261"),
        ("\u0412\u0445\u0456\u0434", "\u0412\u0430\u0448 \u043a\u043e\u0434: 5521", "5521"),
        ("Use A1B2-C3 as your code", "", "A1B2-C3"),
        ("G-123456 is your verification code", "", "G-123456"),
        ("Hello", "Your one-time PIN: 90213\nIt works once.", "90213"),
        ("Hello", "Tu código es 771204", "771204"),
    ],
)
def test_it_finds_the_code(subject: str, text: str, code: str) -> None:
    assert find(subject, text) == code


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Invoice", "The total is 4500 EUR. Your code of customer is below."),
        ("Order 123456 shipped", "Thank you for order 123456."),
        ("Code of conduct 2026", "From 2026 on the code holds."),
        ("Code", "Call +49 30 123456 for the code."),
        ("Sale", "Use promo code SAVE20 now"),
        ("Verify your address", "Our zip code is 12345."),
        ("Sign in", "Code 111111 or code 222222"),
        ("Meeting", "The room is 4711, at 12.30."),
        ("Your code", "It is $1234, code 20261127"),
        ("Deploy", "Error code 50012 in build 8812"),
        ("Verify", "Open https://a.invalid/verify/123456"),
    ],
)
def test_it_takes_nothing_else_for_one(subject: str, text: str) -> None:
    assert find(subject, text) == ""


@pytest.mark.parametrize("bait", ["code 1234 ", "A1-", "1", "code", "A", "code \n", "1 2"])
def test_it_is_quick_whatever_the_text(bait: str) -> None:
    text = bait * 100_000
    assert cost(lambda: find("code", text)) < 0.5
