"""Few lines, whatever strangers do, and none of the count is lost."""

import logging

import pytest

from apps.runtime import seldom
from apps.runtime.seldom import Once, Seldom

logger = logging.getLogger("tests.seldom")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set forward."""
    now = [1000.0]
    monkeypatch.setattr("apps.runtime.seldom.time.monotonic", lambda: now[0])
    return now


def written(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, int]]:
    return [
        (one.message, one.__dict__["door"], one.__dict__.get("unwritten", 0))
        for one in caplog.records
    ]


def test_it_writes_one_of_a_kind_and_counts_the_others(
    caplog: pytest.LogCaptureFixture, clock: list[float]
) -> None:
    caplog.set_level(logging.INFO, "tests.seldom")
    some = Seldom(logger, 10)
    for door in ("imap", "imap", "pop3", "imap"):
        some.info("no TLS", door, {"door": door})
    assert written(caplog) == [("no TLS", "imap", 0), ("no TLS", "pop3", 0)]
    clock[0] += 10
    some.info("no TLS", "imap", {"door": "imap"})
    some.info("no TLS", "pop3", {"door": "pop3"})
    assert written(caplog)[2:] == [("no TLS", "imap", 2), ("no TLS", "pop3", 0)]


def test_it_remembers_few_kinds(caplog: pytest.LogCaptureFixture, clock: list[float]) -> None:
    some = Seldom(logger, 10)
    for number in range(seldom.KINDS * 3):
        some.info("x", str(number), {"door": "imap"})
    assert len(some._silent) <= seldom.KINDS


def test_it_tells_of_each_thing_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tests.seldom")
    once = Once(logger, most=2)
    for thing in (1, 2, 1, 2):
        once.warning("broken", thing, {"door": str(thing)})
    assert [door for _, door, _ in written(caplog)] == ["1", "2"]
    once.error("broken", 3, {"door": "3"})  # the others are forgotten
    once.error("broken", 1, {"door": "1"})
    assert [door for _, door, _ in written(caplog)] == ["1", "2", "3", "1"]
