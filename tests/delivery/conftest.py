"""Delivery is tested without the filter's own checks: what they think of a letter is not its
business. What it does about verdicts is tested with checks made for that."""

import pytest

from apps.scan import runner


@pytest.fixture(autouse=True)
def _no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "CHECKS", ())
