"""Counts that take long: no page waits for them, and no two people count the same at once."""

import threading
from collections.abc import Callable

import pytest

from apps.console.dearcounts import DearCounts
from tests.support.services import wait_for

KEY = ("users", 3)


class Gate:
    """A count that ends when it is let."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.asked = 0

    def count(self) -> int:
        self.asked += 1
        assert self.opened.wait(30)
        return 7


def never() -> int:
    raise AssertionError("counted twice")


def test_it_is_told_later_and_counted_once() -> None:
    gate, counts = Gate(), DearCounts[int](cheap=-1.0, kept=1e9, patience=0.0)
    assert counts.get(KEY, gate.count) is None
    assert counts.get(KEY, never) is None
    gate.opened.set()
    wait_for(lambda: counts.get(KEY, never) == 7)
    assert gate.asked == 1


def test_meanwhile_what_was_counted_last_is_told() -> None:
    counts = DearCounts[int](cheap=-1.0, kept=0.0, patience=30.0)
    assert counts.get(KEY, lambda: 5) == 5
    counts._patience = 0.0
    gate = Gate()
    assert counts.get(KEY, gate.count) == 5
    gate.opened.set()
    wait_for(lambda: counts.get(KEY, gate.count) == 7)


def test_what_costs_little_is_of_this_moment() -> None:
    counts = DearCounts[int](cheap=1e6, patience=30.0)
    assert [counts.get(KEY, lambda n=n: n) for n in range(3)] == [0, 1, 2]  # type: ignore[misc]


def test_each_key_is_counted_for_itself() -> None:
    counts = DearCounts[str](cheap=-1.0, kept=1e9, patience=30.0)
    said: list[Callable[[], str]] = [lambda: "mine", lambda: "another's"]
    assert [counts.get(number, one) for number, one in enumerate(said)] == ["mine", "another's"]


def test_a_count_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    counts = DearCounts[int](patience=30.0)
    assert counts.get(KEY, never) is None
    wait_for(lambda: "counted twice" in caplog.text)  # nobody else would hear of it
    assert counts.get(KEY, lambda: 3) == 3
