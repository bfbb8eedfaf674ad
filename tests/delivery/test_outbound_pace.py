"""How fast a destination is sent to: rises while it is well, falls in trouble, keeps its rate."""

import pytest

from apps.delivery.outbound.pace import FIRST, Pace, Trust


def test_it_begins_with_two_connections() -> None:
    assert Pace(20, 0).limit == FIRST == 2
    assert Pace(1, 0).limit == 1


def test_it_begins_with_one_where_the_last_try_failed() -> None:
    pace = Pace(20, 0, failures=3)
    assert (pace.limit, pace.trust, pace.failures) == (1, Trust.DOUBTFUL, 3)


def test_it_rises_by_one_for_a_round_of_successes() -> None:
    pace = Pace(20, 0)
    for _ in range(3):
        pace.went_well()
    assert pace.limit == 3
    for _ in range(4):
        pace.went_well()
    assert pace.limit == 4
    assert pace.trust is Trust.PROVEN


def test_it_rises_to_its_most_and_no_further() -> None:
    pace = Pace(5, 0)
    for _ in range(1000):
        pace.went_well()
    assert pace.limit == 5


def test_it_halves_in_trouble_and_never_falls_below_one() -> None:
    pace = Pace(16, 0)
    for _ in range(1000):
        pace.went_well()
    assert pace.limit == 16
    limits = []
    for _ in range(6):
        pace.went_badly()
        limits.append(pace.limit)
    assert limits == [8, 4, 2, 1, 1, 1]
    assert (pace.trouble, pace.trust) == (6, Trust.DOUBTFUL)


def test_it_forgets_trouble_with_the_first_success() -> None:
    pace = Pace(20, 0)
    pace.could_not_be_reached()
    pace.went_badly()
    pace.went_well()
    assert (pace.failures, pace.trouble, pace.trust) == (0, 0, Trust.PROVEN)


def test_it_knows_no_rate_unless_told() -> None:
    pace = Pace(20, 0)
    assert [pace.take(1.0) for _ in range(1000)] == [0.0] * 1000
    assert pace.burst == 0


@pytest.mark.parametrize("per_minute", [1, 6, 60, 600])
def test_it_keeps_the_rate_over_any_hour(per_minute: int) -> None:
    pace = Pace(20, per_minute)
    now = taken = 0.0
    end = 3600.0
    while now < end:
        wait = pace.take(now + 1.0)
        if wait:
            now += wait
        else:
            taken += 1
    assert per_minute * 60 <= taken <= per_minute * 60 + pace.burst


def test_it_says_how_long_to_wait_for_the_next_message() -> None:
    pace = Pace(20, 6)
    assert pace.burst == 1
    assert pace.take(100.0) == 0.0
    assert pace.take(100.0) == pytest.approx(10.0)
    assert pace.take(105.0) == pytest.approx(5.0)
    assert pace.take(110.1) == 0.0


def test_it_does_not_rise_for_answers_that_take_nothing() -> None:
    pace = Pace(20, 0, failures=2)
    for _ in range(100):
        pace.was_put_off()
    assert (pace.limit, pace.failures, pace.trust) == (1, 0, Trust.NEW)
