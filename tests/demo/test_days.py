"""Moments: Europe's summer, quiet nights, and what today is."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from apps.demo import days

END = days.noon(date(2026, 11, 25))


@pytest.mark.parametrize(
    ("moment", "zone", "shown"),
    [
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "uk", "00:59 +0000"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "uk", "02:00 +0100"),
        (datetime(2026, 10, 25, 0, 59, tzinfo=UTC), "cet", "02:59 +0200"),
        (datetime(2026, 10, 25, 1, 0, tzinfo=UTC), "cet", "02:00 +0100"),
        (datetime(2026, 7, 1, 12, 0, tzinfo=UTC), "ist", "17:30 +0530"),
        (datetime(2026, 7, 1, 12, 0, tzinfo=UTC), "est", "07:00 -0500"),
    ],
)
def test_it_knows_the_clocks_of_others(moment: datetime, zone: str, shown: str) -> None:
    assert f"{days.local(moment, zone):%H:%M %z}" == shown


def test_it_spreads_two_years_and_more_of_it_lately() -> None:
    found = [days.spread(number, END, Random(number)) for number in range(1_000)]
    assert max(found) < END
    assert min(found) < END - timedelta(days=680)
    lately = sum(moment > END - timedelta(days=90) for moment in found)
    assert 250 < lately < 450
    assert all(moment.hour in range(7, 23) for moment in found if moment.date() != END.date())


def test_it_answers_later_and_not_at_night() -> None:
    for number in range(500):
        later = days.answer_after(END, Random(number))
        assert timedelta() < later - END < timedelta(days=8)
        assert later.hour >= 7


def test_it_takes_the_last_noon_for_today() -> None:
    assert days.last_noon(datetime(2026, 11, 25, 11, 59, tzinfo=UTC)) == date(2026, 11, 24)
    assert days.last_noon(datetime(2026, 11, 25, 12, 0, tzinfo=UTC)) == date(2026, 11, 25)


def test_it_names_days_in_the_language() -> None:
    day = datetime(2026, 3, 2, tzinfo=UTC)
    assert days.weekday(day, "de") == "Montag"
    assert days.day_and_month(day, "fr") == "2 mars"
    assert days.day_and_month(day, "de") == "2. März"
    assert days.month(day, "xx") == "March"
