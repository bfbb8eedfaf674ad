"""SMTP tests talk to real doors over loopback, on the real database."""

from collections.abc import Iterator

import pytest

from tests.support.smtp_dialogue import Running, running


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
