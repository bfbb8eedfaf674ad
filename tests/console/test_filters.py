"""What a list is asked for, as it comes in an address and goes into others."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from django.http import QueryDict
from django.test import RequestFactory

from apps.console.filters import Filter, PeriodFilter, choice, order, words
from apps.runtime.keyset import LONGEST
from tests.console.hostile import HOSTILE


@dataclass(frozen=True, slots=True)
class Wanted(Filter):
    text: str = field(default="", metadata=words(10))
    verb: str = field(default="", metadata=choice(["allow", "block"]))
    domain: str = ""
    sort: str = field(default="name", metadata=order(["name", "size"]))


def test_it_is_read_and_written_again() -> None:
    wanted = Wanted.of({"text": " a&b ", "verb": "allow", "sort": "size", "after": "7~x "})

    assert wanted == Wanted(text="a&b", verb="allow", sort="size", after="7~x ")
    assert wanted.narrowing == [("text", "a&b"), ("verb", "allow")]
    assert wanted.query() == "text=a%26b&verb=allow&sort=size"
    assert wanted.link(text="", sort="name") == "?verb=allow"
    assert wanted.link(after="9~y") == "?text=a%26b&verb=allow&sort=size&after=9~y"
    assert Wanted.of(QueryDict(wanted.query(after=wanted.after)).dict()) == wanted
    assert Wanted.of(dict(wanted.here)) == wanted


def test_nothing_asks_for_anything() -> None:
    wanted = Wanted.of({})
    assert not wanted.is_narrow
    assert (wanted.link(), wanted.here) == ("?", [])
    assert wanted.sort == "name"


def test_an_order_and_a_place_narrow_nothing() -> None:
    assert not Wanted(sort="size", after="7").is_narrow


def test_what_is_no_choice_is_as_if_nothing_was_said() -> None:
    wanted = Wanted.of({"verb": "hug", "sort": "pk; DROP TABLE", "PLACE": "x", "narrowing": "y"})
    assert wanted == Wanted()


@pytest.mark.parametrize("text", [*HOSTILE, "a\ud800", "\udfff\0", "%ff%fe"])
def test_hostile_words(text: str) -> None:
    wanted = Wanted.of(dict.fromkeys(("text", "verb", "domain", "sort", "after"), text))

    assert len(wanted.text) <= 10
    assert len(wanted.domain) <= 320
    assert len(wanted.after) <= LONGEST
    assert (wanted.verb, wanted.sort) == ("", "name")
    assert "\0" not in wanted.text + wanted.domain + wanted.after
    again = QueryDict(wanted.query(after=wanted.after)).dict()
    assert Wanted.of(again) == wanted


def test_bytes_that_are_no_text_come_through_an_address() -> None:
    request = RequestFactory().get("/?text=%ff%00a&after=%ed%a0%80&text=%c3%a4")
    assert Wanted.of(request.GET.dict()).text == "ä"


@pytest.mark.parametrize(
    "day", ["x", "2026-13-01", "20260101", "2026-1-1", "0001-01-01", "9999-12-31", "٢٠٢٦-01-01"]
)
def test_what_is_no_day_is_told_and_bounds_nothing(day: str) -> None:
    wanted = PeriodFilter.of({"since": day, "until": day})
    assert set(wanted.errors) == {"since", "until"}
    assert wanted.period == (None, None)


def test_a_period_has_both_its_days() -> None:
    wanted = PeriodFilter.of({"since": "2026-02-28", "until": "2026-02-28"})
    assert not wanted.errors
    assert wanted.period == (
        datetime(2026, 2, 28, tzinfo=UTC),
        datetime(2026, 3, 1, tzinfo=UTC),
    )
    assert "until" in PeriodFilter.of({"since": "2026-02-02", "until": "2026-02-01"}).errors
