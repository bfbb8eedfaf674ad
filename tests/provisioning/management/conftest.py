"""A test's transaction outlives the commands that are run in it."""

import pytest


@pytest.fixture
def keep_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run_from_argv` closes all connections at its end, and with it the test's transaction."""
    monkeypatch.setattr("django.core.management.base.connections.close_all", lambda: None)
