"""LIST patterns, against a plain reading of them as regular expressions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.imap.proto.patterns import Pattern
from tests.support.cost import cost


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "a/b/c", True),
        ("%", "a", True),
        ("%", "a/b", False),
        ("a/%", "a/b", True),
        ("a/%", "a/b/c", False),
        ("%/%", "a/b", True),
        ("a*", "a/b/c", True),
        ("inbox", "INBOX", True),
        ("InBoX/*", "INBOX/x", True),
        ("inb*", "INBOX", True),
        ("%box", "INBOX", True),
        ("inb*", "INBOXes", False),
        ("inboxes", "INBOXes", False),
        ("*%", "a/b", True),
        ("%*", "a/b", True),
        ("%%%", "a/b", False),
        ("", "", True),
        ("", "a", False),
        ("a.b", "axb", False),
        ("*ü", "Menü", True),
    ],
)
def test_it_matches(pattern: str, name: str, matches: bool) -> None:
    assert Pattern(pattern).matches(name) is matches


@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=8))
def test_it_matches_as_a_regular_expression_would(pattern: str, name: str) -> None:
    plain = re.escape(pattern).replace(r"\*", ".*").replace("%", "[^/]*")
    assert Pattern(pattern).matches(name) is (re.fullmatch(plain, name) is not None)


def test_it_takes_linear_time_on_the_worst_pattern() -> None:
    pattern = Pattern("*a" * 500 + "b")
    assert not pattern.matches("a" * 1000)
    assert cost(lambda: pattern.matches("a" * 1000)) < 1
