"""An indexer in a process of its own, to be killed: `python -m tests.search.workers POINT NUMBER`.

It kills itself as the kernel would, at the NUMBER-th time that it comes to POINT; and says so when
it came to the end instead.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.support import processes

POINTS = {"read": 2, "written": 1, "settled": 2, "begun": 1}
"""Where it can be killed, and at which time it is."""


def start(point: str, number: int) -> "subprocess.Popen[str]":
    """Start it on the database of the test."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.search.workers", point, str(number)],
        cwd=processes.ROOT,
        env={**os.environ, **processes.environment()},
        stdout=subprocess.PIPE,
        text=True,
    )


def main(point: str, number: str) -> None:
    import django

    django.setup()
    from apps.search import indexing, services
    from apps.search.backends import index

    left = int(number)

    def dying(job: Callable[..., Any]) -> Callable[..., Any]:
        def work(*arguments: Any) -> Any:
            nonlocal left
            result = job(*arguments)
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return work

    backend: Any = type(index())
    owner, name = {
        "read": (indexing, "read"),
        "written": (backend, "write"),
        "settled": (services, "settle"),
        "begun": (backend, "begin"),
    }[point]
    setattr(owner, name, dying(getattr(owner, name)))
    indexing.BATCH = 3  # type: ignore[misc]
    indexing.Indexer().run(60)
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
