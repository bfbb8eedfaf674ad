"""Small demos of a day that stays."""

from datetime import date

import pytest

from apps.demo.letters import Letter
from apps.demo.post import FEWEST, Plan, letters

DAY = date(2026, 11, 25)
SMALL = Plan(DAY, messages=FEWEST)


@pytest.fixture(scope="session")
def small() -> list[Letter]:
    """The letters of the smallest demo: one of everything."""
    return letters(SMALL)


@pytest.fixture(scope="session")
def whole() -> list[Letter]:
    """The letters of the usual one."""
    return letters(Plan(DAY))
