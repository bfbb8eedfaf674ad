"""A moment at which no process of an installation writes, to stop some of them in."""

import fcntl
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.installation import DATABASE, Installation
from tests.support.processes import is_stopped
from tests.support.services import wait_for


@contextmanager
def nobody_writes(service: Installation) -> Iterator[None]:
    """Hold both locks of the turnstile (`apps/runtime/sqlite/turnstile.py`).

    Whoever is stopped while it has the turn, or is the next in the line, keeps all others from
    writing. With Postgres there are no such files, and nothing is held.
    """
    with ExitStack() as held:
        if not service.environment.get("DATABASE_URL"):
            folder = Path(service.environment["MAILHOST_DATA"])
            for name in ("gate", "turn"):
                file = held.enter_context((folder / f"{DATABASE}-{name}").open("r+"))
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def stop(service: Installation, pids: Iterable[int]) -> None:
    """Stop processes of an installation while nobody writes, and see that they are stopped: a
    thread on another processor runs on for a while after the signal was sent, and may take a place
    in the line meanwhile."""
    stopped = list(pids)
    with nobody_writes(service):
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: all(map(is_stopped, stopped)), 60, f"{stopped} stand still")
