"""What is said of this app at every start."""

from datetime import date

import pytest
import time_machine
from django.core.checks import run_checks

from apps.mailauth import suffixes
from apps.reception import checks


@pytest.mark.parametrize(
    ("today", "is_old"), [("2026-11-26", False), ("2027-10-01", False), ("2027-11-26", True)]
)
def test_it_says_that_the_suffixes_are_old(
    monkeypatch: pytest.MonkeyPatch, today: str, is_old: bool
) -> None:
    monkeypatch.setattr(suffixes, "published", lambda: date(2026, 10, 22))
    with time_machine.travel(today):
        found = checks.suffixes_are_recent()
    assert [one.id for one in found] == (["reception.W001"] if is_old else [])
    assert all("2026-10-22" in one.msg for one in found)


def test_it_is_asked_at_every_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suffixes, "published", lambda: date.min)
    assert "reception.W001" in {one.id for one in run_checks()}
