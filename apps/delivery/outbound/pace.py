"""How fast one destination takes mail: connections at a time, and messages per minute.

Pure. The number of connections begins with two, rises by about one for each round of successes and
is halved by trouble, as TCP does it: a host that is well gets all it can take, one that is not is
left in peace, and nobody has to say which is which. Trouble is what the host as such does: it
cannot be reached, says 421, or falls silent. A recipient that it refuses is none.
"""

from enum import IntEnum
from typing import Final

FIRST: Final = 2
_MINUTE: Final = 60.0
# Messages that may go out at once after a pause, as a part of a minute's allowance.
_BURST: Final = 6
_ROUNDING: Final = 1e-6  # or who waits as long as told would be told to wait for nothing more


class Trust(IntEnum):
    """What we may expect of a destination; see `engine.Shares`."""

    DOUBTFUL = 0  # its last try failed
    NEW = 1  # not tried lately
    PROVEN = 2  # it has taken mail lately


class Pace:
    """The pace of one destination.

    Args:
        most: connections at a time, whatever happens.
        per_minute: messages per minute; 0 is no limit.
        failures: tries in a row that have failed before, as the queue knows it.
    """

    def __init__(self, most: int, per_minute: int, failures: int = 0) -> None:
        self._most = float(most)
        self._limit = 1.0 if failures else float(min(FIRST, most))
        self._per_minute = per_minute
        self._tokens = float(self.burst)
        self._filled_at = 0.0
        self.failures = failures  # in a row, of reaching it at all
        self.trouble = 0  # in a row, of messages lost on the way
        self.trust = Trust.DOUBTFUL if failures else Trust.NEW

    @property
    def limit(self) -> int:
        """Connections that it may have now, at least one."""
        return int(self._limit)

    def went_well(self) -> None:
        """A server of it took a message, or refused it for good."""
        self._limit = min(self._most, self._limit + 1.0 / self._limit)
        self.failures = self.trouble = 0
        self.trust = Trust.PROVEN

    def was_put_off(self) -> None:
        """A server of it answered in good order, but took nothing: no reason to send it more."""
        self.failures = self.trouble = 0
        if self.trust is Trust.DOUBTFUL:
            self.trust = Trust.NEW

    def went_badly(self) -> None:
        """A connection was refused, broke, or fell silent."""
        self._limit = max(1.0, self._limit / 2)
        self.trouble += 1
        self.trust = Trust.DOUBTFUL

    def could_not_be_reached(self) -> None:
        """No server of it could be used."""
        self.failures += 1
        self._limit = 1.0
        self.trust = Trust.DOUBTFUL

    def take(self, now: float) -> float:
        """Take leave to send one message; if there is none now, the seconds until there is.

        Args:
            now: seconds of a monotonic clock.
        """
        if not self._per_minute:
            return 0.0
        if self._filled_at:
            gained = (now - self._filled_at) * self._per_minute / _MINUTE
            self._tokens = min(float(self.burst), self._tokens + gained)
        self._filled_at = now
        if self._tokens >= 1.0 - _ROUNDING:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) * _MINUTE / self._per_minute

    @property
    def burst(self) -> int:
        """Messages that may go at once after a pause; 0 is no limit."""
        return max(1, self._per_minute // _BURST) if self._per_minute else 0
