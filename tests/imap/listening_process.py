"""An IMAP listener in a process of its own: `python -m tests.imap.listening_process`.

It prints its port, and ends when its standard input does. `listener_process` starts one on the
test's database.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support import processes


@contextmanager
def listener_process() -> Iterator[int]:
    """Its port, while it runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.imap.listening_process"],
        cwd=processes.ROOT,
        env={**os.environ, **processes.environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin, process.stdout:
            yield int(process.stdout.readline())
    finally:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def main() -> None:
    import django

    django.setup()
    from tests.support.imap_server import running

    with running() as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
