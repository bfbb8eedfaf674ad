"""What was looked for is marked in what is shown, as it stands there."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.searchtext import folded
from apps.search.language.marking import SPANS_MAX, _placed, sought, spans
from apps.search.language.nodes import Where
from apps.search.language.parsing import parse

TODAY = date(2026, 11, 26)
_ALPHABET = "aAbßée\u0301ﬁИй  \t\r\n\u00adŁ漢カ\u3099\U0001f600\0\u0130ΐ"
LETTERS = st.text(
    alphabet="aAbßée\u0301ﬁИй  \t\r\n\u00adŁ漢カ\u3099\U0001f600\0\u0130ΐ", max_size=40
)


def test_it_marks_what_is_looked_for_there_and_what_is_denied_nowhere() -> None:
    query = parse("Lunch from:Bob -noon -(a OR -b) cc:Carol subject:x", TODAY)
    assert sought(query, Where.SUBJECT) == ("LUNCH", "B", "X")
    assert sought(query, Where.FROM) == ("LUNCH", "BOB", "B")
    assert sought(query, Where.TO) == ("LUNCH", "B", "CAROL")
    assert sought(query, Where.BODY) == ("LUNCH", "B")


@pytest.mark.parametrize(
    ("shown", "typed", "marked"),
    [
        ("Lunch, lunch", "LUNCH", ["Lunch", "lunch"]),
        ("Grüße aus Straße", "strasse", ["Straße"]),
        ("Une  \r\n soirée", "une soiree", ["Une  \r\n soirée"]),
        ("cafe\u0301 noir", "café", ["cafe"]),
        ("eﬃcient", "ffi", ["ﬃ"]),
        ("aaaa", "aa", ["aaaa"]),
        ("100% a_b", "%", ["%"]),
        ("nothing", "some", []),
    ],
)
def test_it_marks_texts_as_they_stand(shown: str, typed: str, marked: list[str]) -> None:
    assert [shown[start:end] for start, end in spans(shown, [folded(typed)])] == marked


def test_it_joins_marks_that_touch() -> None:
    assert spans("lunchtime", ["LUNCH", "CHTI", "ME"]) == [(0, 9)]


@given(LETTERS)
def test_it_folds_as_the_search_does(text: str) -> None:
    plain, places = _placed(text)
    assert plain == folded(text)
    assert len(places) == len(plain)
    assert list(places) == sorted(places)


@given(LETTERS, LETTERS)
def test_it_marks_something_exactly_where_the_search_finds_it(text: str, typed: str) -> None:
    needle = folded(typed)
    if needle:
        assert bool(spans(text, [needle])) == (needle in folded(text))


def test_it_marks_so_much_and_no_more() -> None:
    assert len(spans("a " * 300_000, ["A"])) == SPANS_MAX
