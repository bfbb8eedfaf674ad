"""Loops that send to other servers, each in a process of its own, to be stopped and killed.

    with nursery(world) as start:
        sender = start()
        os.kill(sender, signal.SIGKILL)

The nursery is a process that has everything loaded and forks a sender when it is told to.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from tests.support import processes

if TYPE_CHECKING:  # it loads models, and the nursery sets Django up first
    from tests.support.outgoing import Outside

Start = Callable[[], int]


@contextmanager
def nursery(world: "Outside", lease_seconds: int = 0, **settings: str) -> Iterator[Start]:
    """Yields what starts a sender and returns its process id; all are killed at the end.

    Args:
        lease_seconds: how long leases last, if not as usual.
        settings: as the environment has them.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.senders", str(lease_seconds)],
        cwd=processes.ROOT,
        env={**os.environ, **processes.environment(), **way_to(world), **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    senders: list[int] = []

    def start() -> int:
        process.stdin.write("start\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        senders.append(int(process.stdout.readline()))  # type: ignore[union-attr]
        return senders[-1]

    try:
        yield start
    finally:
        for sender in senders:
            with suppress(ProcessLookupError):
                os.kill(sender, signal.SIGKILL)
        process.communicate(timeout=30)


def way_to(world: "Outside") -> dict[str, str]:
    """Settings, as the environment has them, that lead to the world outside."""
    return {
        "DNS_SERVERS": str(world.dns),
        "SMTP_OUT_PORT": str(world.port),
        "SMTP_OUT_PRIVATE": "true",
        "SMTP_OUT_IPV6": "false",
    }


def _shorten(seconds: int) -> None:
    """Let leases last so long."""
    from apps.delivery.outbound import leases
    from apps.mailqueue import services

    claim = partial(services.claim_destination, lease_seconds=seconds)
    vars(services).update(claim_destination=claim)
    vars(leases).update(OUT_LEASE_SECONDS=seconds, MARGIN=seconds / 3, RENEW_EVERY=seconds / 4)


def main() -> None:
    import django

    django.setup()
    from apps.delivery.outbound import running

    if seconds := int(sys.argv[1]):
        _shorten(seconds)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are killed
    for _ in sys.stdin:
        sender = os.fork()
        if not sender:
            os.close(0)
            running.run(linger=3600)
            os._exit(0)
        sys.stdout.write(f"{sender}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
