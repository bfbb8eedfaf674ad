"""SMTP tests talk to real doors over loopback, on the real database."""

from collections.abc import Iterator

import pytest

from apps.scan import runner
from tests.support.smtp_dialogue import Running, running


@pytest.fixture(autouse=True)
def _no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the filter's own checks think of a letter is not tested here."""
    monkeypatch.setattr(runner, "CHECKS", ())


@pytest.fixture
def smtp(transactional_db: None) -> Iterator[Running]:
    """The door for other servers."""
    with running("smtp") as found:
        yield found


@pytest.fixture
def submission(transactional_db: None) -> Iterator[Running]:
    """Both doors for our users."""
    with running("submission", "submissions") as found:
        yield found


@pytest.fixture
def lmtp(transactional_db: None) -> Iterator[Running]:
    """The door for a trusted neighbour."""
    with running("lmtp") as found:
        yield found
