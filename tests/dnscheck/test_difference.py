"""A mistyped record beside the right one."""

import pytest

from apps.dnscheck.difference import CLOSELY, LONGEST, pieces
from tests.support.cost import cost

WANTED = "v=spf1 a:mail.host.example ~all"


def marked(found: str, wanted: str = WANTED) -> str:
    brackets = {"": "{}", "extra": "-{}-", "lacking": "+{}+"}
    return "".join(brackets[one.mark].format(one.text) for one in pieces(found, wanted))


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ("v=spf1 a:mial.host.example ~all", "v=spf1 a:m-ia-+ai+l.host.example ~all"),
        ("v=spf1 a:mail.host.example -all", "v=spf1 a:mail.host.example ---+~+all"),
        ("v=spf1 a:mail.host.exmple ~all", "v=spf1 a:mail.host.ex+a+mple ~all"),
        ("v=spf1 a:mail.host.example", "v=spf1 a:mail.host.example+ ~all+"),
        (f'"{WANTED}"', f'-"-{WANTED}-"-'),
    ],
)
def test_a_typing_error_is_shown_where_it_is(found: str, shown: str) -> None:
    assert marked(found) == shown


@pytest.mark.parametrize("found", ["", WANTED, "google-site-verification=abc", "~"])
def test_what_is_right_or_another_text_altogether_is_not_compared(found: str) -> None:
    assert pieces(found, WANTED) == ()


def test_the_found_text_can_be_put_together_from_its_pieces() -> None:
    found = "v=spf1 a:mial.host.exmaple ~all"
    whole = "".join(one.text for one in pieces(found, WANTED) if one.mark != "lacking")
    assert whole == found


@pytest.mark.parametrize("text", ["a", "ab", "aab", "v=spf1 "])
def test_a_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    half = LONGEST // (2 * len(text))
    long = text * half + "x" * CLOSELY + text * half
    assert cost(lambda: pieces(long * 100, long[1:] * 100)) < 0.05
    assert cost(lambda: pieces("x" + "a" * 60 + "y", "z" + "a" * 60 + "b")) < 0.05
