"""When what could not be delivered is tried again, and when that ends. Pure.

The clock of a message starts when it came, or when it was to leave: mail that its sender has
scheduled for next week has not waited a week (RFC 4865 section 5).
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apps.remote.types import Outcome, Result

SECOND: Final = 1_000_000
# Each pause varies by a fifth, so that what failed together does not come back together.
JITTER: Final = 0.2
# No destination is left alone for longer: mail that is new there must not wait for hours because
# older mail has. What has failed itself keeps to its own, longer pauses.
LONGEST_CLOSED: Final = 15 * 60
EXPIRED: Final = "4.4.7"  # RFC 3463: delivery time expired
_LONGEST_REPLY: Final = 500


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
    """

    result: Result
    next_at_us: int = 0
    until_us: int = 0
    tells_delay: bool = False


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
        return Decision(_expired(result, schedule))
    # The last try is at the very end: whoever comes back in time still gets the mail.
    next_at = min(now_us + schedule.pause_us(standing.tries + 1, vary), until)
    is_late = now_us >= standing.started_us + schedule.warn_after * SECOND
    return Decision(result, next_at, until, is_late and not standing.is_delay_told)


def _expired(result: Result, schedule: Schedule) -> Result:
    """The failure that a deferral becomes. Its status stays the server's own class 4 detail where
    that says more than that time is over."""
    days, rest = divmod(schedule.bounce_after, 86_400)
    for_how_long = f"{days} days" if days and not rest else f"{schedule.bounce_after // 3600} hours"
    last = f"; the last answer was: {result.reply}" if result.reply else ""
    return Result(
        ref=result.ref,
        outcome=Outcome.FAILED,
        code=result.code,
        status=EXPIRED,
        reply=f"could not be delivered for {for_how_long}{last}"[:_LONGEST_REPLY],
        host=result.host,
        address=result.address,
        tls=result.tls,
    )
