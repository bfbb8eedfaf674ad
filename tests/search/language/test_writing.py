"""What a query asks is told back as chips, each of which can be taken off."""

from datetime import date

from apps.search.language.parsing import parse
from apps.search.language.writing import Chip, chips

TODAY = date(2026, 11, 26)


def told(query: str) -> tuple[Chip, ...]:
    return chips(parse(query, TODAY))


def test_it_tells_each_thing_apart() -> None:
    found = told('from: bob -subject:"at noon" is:unseen (a OR b) larger:2048')
    assert [(one.name, one.value, one.is_denied) for one in found] == [
        ("from", "bob", False),
        ("subject", "at noon", True),
        ("is", "unread", False),
        ("", "a OR b", False),
        ("larger", "2K", False),
    ]


def test_it_says_what_remains_without_one() -> None:
    found = told("from:bob OR from:amy lunch -noon")
    assert [one.rest for one in found] == [
        "lunch -noon",
        "(from:bob OR from:amy) -noon",
        "(from:bob OR from:amy) lunch",
    ]


def test_it_writes_days_in_one_way() -> None:
    query = "on:25.11.2026 on:2026-02 on:2026 before:yesterday newer_than:1d in:all label:a"
    assert [one.text for one in told(query)] == [
        *("on:2026-11-25", "on:2026-02", "on:2026", "before:2026-11-25", "after:2026-11-25"),
        *("in:anywhere", "label:a"),
    ]
