"""The clock: one place that says what time it is, so that tests can travel.

Wall-clock time only, in Unix seconds or microseconds (UTC). Durations and deadlines inside one
process use `time.monotonic()`, which a step of the wall clock cannot stretch.
"""

import time


def now() -> int:
    """Unix seconds."""
    return time.time_ns() // 1_000_000_000


def now_us() -> int:
    """Unix microseconds."""
    return time.time_ns() // 1_000
