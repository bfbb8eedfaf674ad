"""The clock, and that tests may set it."""

from datetime import UTC, datetime

import time_machine

from apps.runtime import clock


def test_it_tells_unix_seconds_and_microseconds() -> None:
    with time_machine.travel(datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC), tick=False):
        assert clock.now() == 1_772_366_400
        assert clock.now_us() == 1_772_366_400_250_000
