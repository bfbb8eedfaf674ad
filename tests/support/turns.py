"""A moment at which no process of an installation writes, to stop some of them in."""

import fcntl
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.services import wait_for


@contextmanager
def nobody_writes(data: str | Path) -> Iterator[None]:
    """Hold both locks of the turnstile (`apps/runtime/sqlite/turnstile.py`).

    Whoever is stopped while it has the turn, or is the next in the line, keeps all others from
    writing. With Postgres there are no such files, and nothing is held.
    """
    with ExitStack() as held:
        for path in _locks(Path(data)):
            fcntl.flock(held.enter_context(path.open("r+")), fcntl.LOCK_EX)
        yield


def _locks(data: Path) -> list[Path]:
    """Gates first, as all who write take them; `make run` keeps its files in `var`."""
    places = [place for place in (data, data / "var") if (place / "mailhost.sqlite3").exists()]
    found = [place / f"mailhost.sqlite3-{name}" for name in ("gate", "turn") for place in places]
    assert all(path.exists() for path in found), found
    return found


def stop(data: str | Path, pids: Iterable[int]) -> None:
    """Stop processes of an installation while nobody writes, and see that they are stopped: a
    thread on another processor runs on for a while after the signal was sent, and may take a place
    in the line meanwhile."""
    stopped = list(pids)
    with nobody_writes(data):
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: all(_is_stopped(pid) for pid in stopped), 60, f"{stopped} stand still")


def _is_stopped(pid: int) -> bool:
    """Whether each of its threads is (proc(5): the state behind the name); so is who is gone."""
    return all(_state(path) in "TtZX" for path in Path(f"/proc/{pid}/task").glob("*/stat"))


def _state(path: Path) -> str:
    try:
        return path.read_text().rpartition(") ")[2][:1]
    except (FileNotFoundError, ProcessLookupError):
        return "X"
