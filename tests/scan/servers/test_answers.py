"""What is kept of a scanner's answer is bounded and can be kept as JSON, whatever it says."""

import json
import math

import pytest

from apps.scan.servers.answers import MOST_SYMBOLS, name, number, scored, told


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3.0),
        (-1.25, -1.25),
        (1e300, 10_000.0),
        (-(10**400), -10_000.0),
        (math.nan, 0.0),
        (math.inf, 0.0),
        (True, 0.0),
        ("7", 0.0),
        (None, 0.0),
        ([1], 0.0),
    ],
)
def test_it_takes_numbers_within_reason(value: object, expected: float) -> None:
    assert number(value) == expected


def test_it_makes_one_printable_line_of_words() -> None:
    assert told("a\r\nBcc: b\x00\x1b[31m \u202e") == "a Bcc: b??[31m ?"
    assert len(told("x" * 10_000_000)) == 160


def test_it_makes_names_of_rules() -> None:
    assert name("fuzzy.denied-\u00e4 b") == "FUZZY_DENIED___B"
    assert len(name("X" * 1000)) == 48


def test_it_keeps_the_heaviest_symbols() -> None:
    many = [(f"S{number}", float(number), "") for number in range(5000)]
    kept = scored(1, 2, many)["symbols"]
    assert len(kept) == MOST_SYMBOLS
    assert kept[0] == ["S4999", 4999.0, ""]


def test_it_is_kept_by_json_unchanged() -> None:
    answer = scored(1.5, 5, [("A", 1.5, "words \ud800")], reject="no")
    assert json.loads(json.dumps(answer)) == answer
    assert answer["symbols"] == [["A", 1.5, "words ?"]]
