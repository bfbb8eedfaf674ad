"""When a recipient is tried again, when its sender is told, and when it ends."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.delivery.outbound import outcomes
from apps.delivery.outbound.retry import LONGEST_CLOSED, SECOND, Schedule, Standing, decide
from apps.remote.types import Outcome, Result

HOUR = 3600
DAY = 24 * HOUR
SCHEDULE = Schedule((60, 300, HOUR), 4 * HOUR, 5 * DAY)
BEGAN = 1_800_000_000 * SECOND


def middle() -> float:
    """No jitter."""
    return 0.5


def deferred(reply: str = "try again later") -> Result:
    return Result(7, Outcome.DEFERRED, 451, "4.3.0", reply, is_remote=True, host="mx.a.test")


def standing(tries: int = 0, *, told: bool = False) -> Standing:
    return Standing(BEGAN, tries, told)


@pytest.mark.parametrize(
    ("tries", "pause"), [(0, 60), (1, 300), (2, HOUR), (3, HOUR), (1000, HOUR)]
)
def test_it_waits_as_the_schedule_says(tries: int, pause: int) -> None:
    now = BEGAN + 10 * SECOND
    decision = decide(deferred(), standing(tries), SCHEDULE, now, middle)
    assert decision.next_at_us == now + pause * SECOND
    assert decision.until_us == BEGAN + 5 * DAY * SECOND
    assert not decision.tells_delay


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 50))
def test_it_varies_each_pause_by_a_fifth(chance: float, tries: int) -> None:
    now = BEGAN + SECOND
    at = decide(deferred(), standing(tries), SCHEDULE, now, lambda: chance).next_at_us
    pause = SCHEDULE.pauses[min(tries, 2)] * SECOND
    assert 0.8 * pause - 1 <= at - now <= 1.2 * pause + 1


def test_it_tells_the_sender_once_that_mail_waits() -> None:
    now = BEGAN + 4 * HOUR * SECOND
    assert decide(deferred(), standing(5), SCHEDULE, now, middle).tells_delay
    assert not decide(deferred(), standing(5, told=True), SCHEDULE, now, middle).tells_delay
    assert not decide(deferred(), standing(5), SCHEDULE, now - 1, middle).tells_delay


def test_it_tries_a_last_time_at_the_very_end() -> None:
    end = BEGAN + 5 * DAY * SECOND
    decision = decide(deferred(), standing(50), SCHEDULE, end - 10 * SECOND, middle)
    assert (decision.result.outcome, decision.next_at_us) == (Outcome.DEFERRED, end)


def test_it_gives_up_when_time_is_over_and_keeps_what_was_last_heard() -> None:
    last = deferred("over quota")
    decision = decide(last, standing(50), SCHEDULE, BEGAN + 5 * DAY * SECOND)
    assert decision.result == replace(last, outcome=Outcome.FAILED)
    assert decision.given_up == "5 days"
    assert outcomes.said(decision) == "given up after 5 days: 451 over quota"


def test_it_says_that_time_is_over_where_no_better_reason_is_known() -> None:
    refused = replace(deferred(), code=554, status="5.7.1")  # at the greeting: not for good
    decision = decide(refused, standing(9), SCHEDULE, BEGAN + 5 * DAY * SECOND)
    assert decision.result.status == "4.4.7"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(36 * HOUR, "36 hours"), (DAY, "1 day"), (90 * 60, "90 minutes"), (45, "45 seconds")],
)
def test_it_says_how_long_it_was_tried(seconds: int, words: str) -> None:
    short = Schedule((60,), 1, seconds)
    assert decide(deferred(), standing(9), short, BEGAN + DAY * 2 * SECOND).given_up == words


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.FAILED])
def test_it_leaves_what_is_final_as_it_is(outcome: Outcome) -> None:
    result = Result(7, outcome, 250, "2.0.0", "ok")
    decision = decide(result, standing(3), SCHEDULE, BEGAN + 30 * DAY * SECOND)
    assert (decision.result, decision.next_at_us, decision.tells_delay) == (result, 0, False)


def test_it_leaves_no_destination_alone_for_long() -> None:
    assert SCHEDULE.closed_us(1, middle) == 60 * SECOND
    assert SCHEDULE.closed_us(2, middle) == 300 * SECOND
    assert SCHEDULE.closed_us(50, lambda: 0.999) == LONGEST_CLOSED * SECOND
