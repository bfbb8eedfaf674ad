"""A moment at which no process of an installation writes, to stop some of them in."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def nobody_writes(data: str | Path) -> Iterator[None]:
    """Hold both locks of the turnstile (`apps/runtime/sqlite/turnstile.py`).

    Whoever is stopped while it has the turn, or is the next in the line, keeps all others from
    writing. With Postgres there are no such files, and nothing is held.
    """
    with ExitStack() as held:
        for name in ("gate", "turn"):
            for path in Path(data).glob(f"*.sqlite3-{name}"):
                fcntl.flock(held.enter_context(path.open("r+")), fcntl.LOCK_EX)
        yield
