"""Alice's telephone."""

from collections.abc import Callable

import pytest

from apps.accounts import onetime
from apps.accounts.services import authenticators
from apps.directory.models import User
from apps.runtime import clock

START = 1_800_000_000  # Unix seconds; a step begins


class Clock:
    """The time as a test has it."""

    def __init__(self) -> None:
        self.seconds = START

    def __call__(self) -> int:
        return self.seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still until a test moves it."""
    still = Clock()
    monkeypatch.setattr(clock, "now", still)
    return still


@pytest.fixture
def app(alice: User, time: Clock) -> Callable[[int], str]:
    """Alice's authenticator app, set up a minute ago: the code at a time, counted from now."""
    secret = authenticators.start(user=alice, issuer="mail.example.test").secret
    authenticators.confirm(user=alice, code=onetime.code_at(secret, time()))
    time.seconds += 60
    return lambda offset: onetime.code_at(secret, time() + offset)
