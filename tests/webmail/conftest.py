"""The pages are tested without the filter's own checks: hostile mail that is to be shown must be in
the inbox."""

import pytest

from apps.scan import runner


@pytest.fixture(autouse=True)
def _no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "CHECKS", ())
