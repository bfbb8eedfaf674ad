"""The pages are tested without the filter's own checks: hostile mail that is to be shown must be in
the inbox."""

import pytest
from django.test import Client

from apps.directory.models import User
from apps.scan import runner


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """Alice's browser, signed in."""
    client.force_login(alice)
    return client


@pytest.fixture(autouse=True)
def _no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "CHECKS", ())
