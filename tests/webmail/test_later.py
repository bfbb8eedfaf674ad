"""Times at which a letter is to leave, on the clock of who writes it."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.webmail.writing import later
from apps.webmail.writing.fields import FieldRefused

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = datetime(2026, 11, 27, 9, 30, tzinfo=BERLIN)


def labels(now: datetime) -> list[tuple[str, str]]:
    return [(one.label, one.value) for one in later.choices(now)]


def test_it_offers_times_that_are_to_come() -> None:
    assert labels(FRIDAY) == [
        ("This afternoon", "2026-11-27T14:00"),
        ("This evening", "2026-11-27T18:00"),
        ("Tomorrow morning", "2026-11-28T08:00"),
        ("Tomorrow afternoon", "2026-11-28T14:00"),
        ("Monday morning", "2026-11-30T08:00"),
    ]
    assert labels(FRIDAY.replace(hour=17, minute=30))[0][0] == "Tomorrow morning"


def test_on_a_sunday_monday_is_tomorrow() -> None:
    sunday = FRIDAY + timedelta(days=2)
    assert [label for label, _ in labels(sunday)][-2:] == ["Tomorrow morning", "Tomorrow afternoon"]


def test_each_of_them_can_be_chosen_and_says_when_it_is() -> None:
    for one in later.choices(FRIDAY):
        assert later.moment(one.value, FRIDAY) > FRIDAY.timestamp()
    assert later.choices(FRIDAY)[2].hint == "Sat 28 Nov, 08:00"


def test_it_is_the_clock_of_the_writer() -> None:
    at = later.moment("2026-11-30T08:00", FRIDAY)
    assert datetime.fromtimestamp(at, UTC) == datetime(2026, 11, 30, 7, tzinfo=UTC)
    tokyo = FRIDAY.astimezone(ZoneInfo("Asia/Tokyo"))
    at = later.moment("2026-11-30T08:00:00", tokyo)
    assert datetime.fromtimestamp(at, UTC) == datetime(2026, 11, 29, 23, tzinfo=UTC)


def test_an_hour_that_is_left_out_and_one_that_comes_twice() -> None:
    march = datetime(2027, 3, 27, 12, tzinfo=BERLIN)
    gone = later.moment("2027-03-28T02:30", march)
    assert datetime.fromtimestamp(gone, BERLIN).strftime("%H:%M") == "03:30"
    october = datetime(2026, 10, 24, 12, tzinfo=BERLIN)
    twice = later.moment("2026-10-25T02:30", october)
    assert datetime.fromtimestamp(twice, UTC).strftime("%H:%M") == "00:30"


def test_the_bounds_of_the_field_are_those_of_the_server() -> None:
    assert later.moment(later.earliest(FRIDAY), FRIDAY) > FRIDAY.timestamp()
    later.moment(later.latest(FRIDAY), FRIDAY)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no date"),
        ("tomorrow", "no date"),
        ("2026-02-31T08:00", "no date"),
        ("0000-01-01T00:00", "no date"),
        ("٢٠٢٦-11-30T08:00", "no date"),
        ("0001-01-01T00:00", "over|no date"),
        ("2026-11-27T09:30", "over"),
        ("2026-12-28T09:30", "30 days"),
        ("9999-12-31T23:59", "30 days|no date"),
    ],
)
def test_what_is_no_time_to_come_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(FieldRefused) as caught:
        later.moment(text, FRIDAY)
    assert re.search(words, caught.value.reply.text)
    assert caught.value.field == "when"
    assert caught.value.http_status == 422
