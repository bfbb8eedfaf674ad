"""Regular expressions: what they match, and that no expression and no address costs much."""

import pytest

from apps.directory import expressions
from apps.directory.expressions import ExpressionError
from apps.mime.address import MAX_ADDRESS
from tests.support.cost import cost

BOMBS = [
    r"(a+)+",
    r"(a|a)*b",
    r"(a|aa)+$",
    r"((a?){30}){10}",
    r"(.*)(.*)(.*)(.*)(.*)(.*)x",
    r"(a*)*(a*)*(a*)*b",
    r"([a-z]+)*\d",
    r".*.*.*.*.*.*.*.*=.*",
]


@pytest.mark.parametrize(
    ("text", "matches", "misses"),
    [
        (r"sales-\d+", ["sales-1", "SALES-42"], ["sales-", "xsales-1", "sales-1x"]),
        ("a|b", ["a", "b"], ["ab", "xa", "bx"]),
        ("J(ö|oe)rg", ["jörg", "joerg"], ["jorg"]),
        (r"(?i)[a-f]{2}", ["AB"], ["ag"]),
        (r"a\nb|x", ["x"], ["a\nb\n"]),
    ],
)
def test_it_matches_the_whole_local_part(text: str, matches: list[str], misses: list[str]) -> None:
    expressions.check(text)
    assert [name for name in matches if not expressions.matches(text, name)] == []
    assert [name for name in misses if expressions.matches(text, name)] == []


@pytest.mark.parametrize("text", BOMBS)
def test_it_has_no_bombs(text: str) -> None:
    expressions.check(text)
    worst = "a" * MAX_ADDRESS
    names = [worst[number:] + "!" for number in range(20)]
    assert cost(lambda: [expressions.matches(text, name) for name in names], enough=0.5) < 0.5


def test_it_refuses_what_would_be_large() -> None:
    for text in (r"(a{30}){30}b{200}", r"\pL{100}", "((((a{10}){10}){10}){10})"):
        with pytest.raises(ExpressionError):
            expressions.check(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [("(", "missing"), (r"(a)\1", "escape"), ("(?<=a)b", "perl"), ("a{2,1}", "repetition")],
)
def test_it_says_what_is_wrong(text: str, word: str) -> None:
    with pytest.raises(ExpressionError, match=word):
        expressions.check(text)


@pytest.mark.parametrize("text", ["", "a\n", "a\0", "\ud800", "x" * 199])
def test_it_refuses_what_is_no_text(text: str) -> None:
    with pytest.raises(ExpressionError):
        expressions.check(text)


def test_it_matches_nothing_with_what_it_cannot_use() -> None:
    assert not expressions.matches("(", "(")
