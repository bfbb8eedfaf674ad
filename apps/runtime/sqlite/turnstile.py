"""The turnstile: writers of all processes take turns, in fair order, with a bounded wait.

SQLite's own busy wait starves writers (tails of 1-2 s with four processes, measured), and a single
file lock under a tight writer does too. Two locks make a turnstile: lock the gate, lock the main,
open the gate, write, unlock the main after COMMIT. Whoever waits for the main holds the gate, so a
tight writer that comes back queues behind it.

The locks are `flock` on two files beside the database. They belong to the open file, so each
connection has its own descriptors and threads of one process take turns too; a killed process
releases them.
"""

import fcntl
import os
import time
import weakref

from django.db import OperationalError

WAIT_LIMIT = 20.0  # seconds; then the caller answers 451 / NO [UNAVAILABLE]
_FIRST_PAUSE = 0.0001
_LONGEST_PAUSE = 0.001


class Turnstile:
    """One connection's place in the line of writers. Not shared between threads."""

    def __init__(self, database: str) -> None:
        self._paths = (f"{database}-gate", f"{database}-turn")
        self._files: tuple[int, int] | None = None
        self.held = False
        _alive.add(self)

    def enter(self, limit: float = WAIT_LIMIT) -> None:
        """Wait for this connection's turn.

        Raises:
            OperationalError: not our turn within `limit` seconds.
        """
        gate, main = self._open()
        deadline = time.monotonic() + limit
        _lock(gate, deadline)
        try:
            _lock(main, deadline)
        finally:
            fcntl.flock(gate, fcntl.LOCK_UN)
        self.held = True

    def leave(self) -> None:
        """Let the next one in; harmless when not held."""
        if self.held and self._files is not None:
            self.held = False
            fcntl.flock(self._files[1], fcntl.LOCK_UN)

    def close(self) -> None:
        """Give up the turn and the descriptors."""
        self.leave()
        self._forget()

    def _open(self) -> tuple[int, int]:
        if self._files is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            gate, main = (os.open(path, flags, 0o600) for path in self._paths)
            self._files = (gate, main)
        return self._files

    def _forget(self) -> None:
        files, self._files = self._files, None
        self.held = False
        for file in files or ():
            os.close(file)


_alive: "weakref.WeakSet[Turnstile]" = weakref.WeakSet()


def _forget_all() -> None:
    """In a child after fork. A flock belongs to the open file, which both now have: an unlock here
    would end the parent's turn, and a copy left open would keep it after the parent has died."""
    for turnstile in _alive:
        turnstile._forget()


os.register_at_fork(after_in_child=_forget_all)


def _lock(file: int, deadline: float) -> None:
    """`flock` with a deadline. The kernel has no timed one, so this asks again after pauses."""
    pause = _FIRST_PAUSE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise OperationalError("database is busy: no turn to write in time") from None
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        else:
            return
