"""A terminal for programs that draw on one: what they write is read all the time, keys are pressed.

Nobody interprets what is drawn; a test looks for words in it, or better at what came of the keys.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROWS, COLUMNS = 50, 132
LOOK_SECONDS = 0.05  # between two looks at a condition that drawing does not tell of


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, words: Sequence[str], home: Path, environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.words = words
        self.drawn = b""
        self._process = subprocess.Popen(
            words,
            cwd=home,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self._master, keys.encode())

    def wait_for(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        """Read what it draws until the condition is true."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline or not self._read():
                raise AssertionError(f"{self.words}: no {what}\n{self.text()}")

    def end(self, seconds: float) -> int:
        """Wait until it ends by itself; its exit status."""
        deadline = time.monotonic() + seconds
        while self._read():
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.words} did not end in {seconds:g} s\n{self.text()}")
        return self._process.wait(seconds)

    def text(self) -> str:
        """The last of what it drew."""
        return self.drawn[-4000:].decode("utf-8", "replace")

    def close(self) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._master)

    def _read(self) -> bool:
        """Read what has been drawn meanwhile; False when the program is gone."""
        readable, _, _ = select.select([self._master], [], [], LOOK_SECONDS)
        if not readable:
            return True
        try:
            more = os.read(self._master, 65536)
        except OSError:  # how Linux says that the other end has been closed
            return False
        self.drawn += more
        return bool(more)


@contextmanager
def terminal(
    words: Sequence[str], home: Path, environment: Mapping[str, str]
) -> Iterator[Terminal]:
    """Start a program; it is ended whatever happens."""
    started = Terminal(words, home, environment)
    try:
        yield started
    finally:
        started.close()
