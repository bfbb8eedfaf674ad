"""Times that are offered, and minutes of a clock that jumps."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from apps.webmail import minutes, snoozed

KYIV = ZoneInfo("Europe/Kyiv")


def offered(year: int, month: int, day: int, hour: int, minute: int) -> dict[str, str]:
    now = datetime(year, month, day, hour, minute, tzinfo=KYIV)
    return {one.label: one.value for one in snoozed.times(now)}


def test_on_a_friday_morning() -> None:
    assert offered(2026, 11, 27, 9, 5) == {
        "Later today": "2026-11-27T13:00",
        "This evening": "2026-11-27T18:00",
        "Tomorrow morning": "2026-11-28T08:00",
        "Next week": "2026-11-30T08:00",
    }


def test_on_a_tuesday_night() -> None:
    assert offered(2026, 11, 24, 22, 0) == {
        "Tomorrow morning": "2026-11-25T08:00",
        "This weekend": "2026-11-28T08:00",
        "Next week": "2026-11-30T08:00",
    }


def test_on_a_sunday_tomorrow_is_monday() -> None:
    assert list(offered(2026, 11, 29, 20, 59)) == ["Tomorrow morning"]


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("day", range(1, 8))
def test_all_of_them_are_to_come_and_are_different(day: int, hour: int) -> None:
    now = datetime(2026, 11, day, hour, 30, tzinfo=KYIV)
    values = list(offered(2026, 11, day, hour, 30).values())
    assert len(set(values)) == len(values) >= 1
    assert all((minutes.read(one, KYIV) or 0) > now.timestamp() for one in values)


def test_a_minute_is_the_same_there_and_back() -> None:
    for text in ("2026-12-18T17:00", "2027-03-28T02:59", "2026-10-25T03:30"):
        seconds = minutes.read(text, KYIV)
        assert seconds is not None
        assert minutes.write(seconds, KYIV) == text
    assert minutes.write(0, KYIV) == ""


def test_an_hour_that_the_clock_leaves_out_is_the_one_after_it() -> None:
    seconds = minutes.read("2027-03-28T03:30", KYIV)
    assert seconds is not None
    assert minutes.write(seconds, KYIV) == "2027-03-28T04:30"


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "now", "2026-02-31T08:00", "2026-12-18", "2026-12-18T25:00", "x" * 10_000),
        *("0001-01-01T00:00", "9999-12-31T23:59", "\u0662026-12-18T17:00", "2026-12-18T17:00\n\0"),
    ],
)
def test_what_is_no_minute_is_none(text: str) -> None:
    assert minutes.read(text, KYIV) is None


def test_seconds_are_borne() -> None:
    assert minutes.read("2026-12-18T17:00:30.5", KYIV) == minutes.read("2026-12-18T17:00", KYIV)
