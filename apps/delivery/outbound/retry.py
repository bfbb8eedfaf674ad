"""When what could not be delivered is tried again, and when that ends. Pure.

The clock of a message starts when it came, or when it was to leave: mail that its sender has
scheduled for next week has not waited a week (RFC 4865 section 5).
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from apps.remote.types import Outcome, Result

SECOND: Final = 1_000_000
# Each pause varies by a fifth, so that what failed together does not come back together.
JITTER: Final = 0.2
# No destination is left alone for longer: mail that is new there must not wait for hours because
# older mail has. What has failed itself keeps to its own, longer pauses.
LONGEST_CLOSED: Final = 15 * 60
EXPIRED: Final = "4.4.7"  # RFC 3463: delivery time expired
_SPANS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True)
class Schedule:
    """The settings RETRY_SCHEDULE, WARN_AFTER and BOUNCE_AFTER, in seconds."""

    pauses: tuple[int, ...]
    warn_after: int
    bounce_after: int

    def pause_us(self, tries: int, vary: Callable[[], float] = random.random) -> int:
        """Microseconds until the next try, after `tries` (1 or more)."""
        pause = self.pauses[min(max(tries, 1), len(self.pauses)) - 1]
        return int(pause * SECOND * (1 - JITTER + 2 * JITTER * vary()))

    def closed_us(self, failures: int, vary: Callable[[], float] = random.random) -> int:
        """Microseconds for which a destination is left alone, after `failures` in a row."""
        return min(self.pause_us(failures, vary), LONGEST_CLOSED * SECOND)


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stood with a recipient before a try.

    Args:
        started_us: when its message came or was to leave, Unix microseconds.
        tries: how often it was tried before.
    """

    started_us: int
    tries: int
    is_delay_told: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a try.

    Args:
        result: what came of it; a deferral that came too late has become a failure.
        next_at_us: when a deferred recipient is tried again, else 0.
        until_us: when we give up, for who is told of the delay.
        tells_delay: the sender is to be told now that it waits.
        given_up: for a deferral that has become a failure, after how long, in words.
    """

    result: Result
    next_at_us: int = 0
    until_us: int = 0
    tells_delay: bool = False
    given_up: str = ""


def decide(
    result: Result,
    standing: Standing,
    schedule: Schedule,
    now_us: int,
    vary: Callable[[], float] = random.random,
) -> Decision:
    """Say what follows from a result for one recipient."""
    if result.outcome is not Outcome.DEFERRED:
        return Decision(result)
    until = standing.started_us + schedule.bounce_after * SECOND
    if now_us >= until:
        failure = replace(result, outcome=Outcome.FAILED, status=temporary(result.status))
        return Decision(failure, given_up=_span(schedule.bounce_after))
    # The last try is at the very end: whoever comes back in time still gets the mail.
    next_at = min(now_us + schedule.pause_us(standing.tries + 1, vary), until)
    is_late = now_us >= standing.started_us + schedule.warn_after * SECOND
    return Decision(result, next_at, until, is_late and not standing.is_delay_told)


def temporary(status: str) -> str:
    """The status of what was not refused for good: the server's own detail where it says so too
    (why mail waited is worth more to its sender than that time is over)."""
    return status if status.startswith("4.") else EXPIRED


def _span(seconds: int) -> str:
    size, word = next(span for span in _SPANS if not seconds % span[0])
    count = seconds // size
    return f"{count} {word}" + ("s" if count > 1 else "")
