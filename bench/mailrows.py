"""What every row of the mailbox race is: a name, how it is measured, and the goal.

`Side` is one service with the clients that stay connected; a row's `measure` gets it and the number
of the turn, and returns one figure.
"""

import contextlib
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bench import processes
from bench.peer import NAME
from bench.processes import BenchError
from bench.service import USERS, Service
from bench.talk import Imap

ME: Final = USERS[0]
AT_ONCE: Final = 50
"""Messages on their way at once, or in one command."""
QUIET_CORES: Final = 0.05
QUIET_SECONDS: Final = 6.0
"""Longer than any pause between two pieces of one work in the background."""
QUIET_LIMIT: Final = 1800.0


@dataclass(slots=True)
class Side:
    """A started service; `imap` has the INBOX selected between two rows."""

    service: Service
    messages: int
    kept: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _imap: Imap | None = None

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service.name

    @property
    def imap(self) -> Imap:
        """The one client that most rows use; made when it is first asked for."""
        if self._imap is None:
            self._imap = self.kept.enter_context(Imap(self.service.imaps_port, ME))
            self._imap.run("SELECT INBOX")
        return self._imap

    def another(self) -> Imap:
        """One more client of the same user; a context."""
        return Imap(self.service.imaps_port, ME)

    def leave(self) -> None:
        """Close the client that stays."""
        self.kept.close()
        self._imap = None

    def settle(self) -> None:
        """Wait until the service has done what it does in the background: it uses no processor."""
        roots, deadline = self.service.roots(), time.monotonic() + QUIET_LIMIT
        used = math.inf
        while used > QUIET_CORES * QUIET_SECONDS:
            if time.monotonic() > deadline:
                raise BenchError(f"{self.name} was still busy after {QUIET_LIMIT:.0f} s.")
            before = processes.cpu_seconds(roots)
            time.sleep(QUIET_SECONDS)
            used = processes.cpu_seconds(roots) - before

    def restart(self, *, cold: bool) -> None:
        """End the service and start it again with the same mail; every client is gone.

        cold: nothing of its files is in memory then.
        """
        self.leave()
        self.service.restart(cold=cold)


Measure = Callable[[Side, int], float]


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `goal` and `floor` are ratios to the peer; none where there is no goal.

    limit: a goal for our own figure, in `unit`, instead of a ratio.
    once: it can be measured a single time, before anything else is asked.
    peer: whom it compares with.
    why: what a reader is told where the goal is missed.
    """

    name: str
    unit: str
    measure: Measure
    goal: float | None = None
    floor: float | None = None
    less_is_better: bool = True
    once: bool = False
    runs: int | None = None  # fewer than the others, for what is slow
    limit: float | None = None
    peer: str = NAME
    why: str = ""


def command(text: str, times: int) -> Measure:
    """Return the measure of a command: the median of a few runs, in milliseconds.

    `{sign}` alternates between + and -, `{n}` runs through the first thousand messages.
    """

    def measure(side: Side, turn: int) -> float:
        taken = []
        for one in range(times):
            number = turn * times + one
            line = text.format(sign="+-"[number % 2], n=number * 37 % min(side.messages, 1000) + 1)
            taken.append(side.imap.run(line))
        return statistics.median(taken) * 1e3

    return measure
