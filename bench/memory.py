"""How much memory `manage.py serve` takes with nothing to do: PSS of all its processes together."""

import time
from typing import Final

from bench import processes
from bench.ours import Ours

LIMIT_BYTES: Final = 350 * 2**20
SETTLE_SECONDS: Final = 10  # the worker and the web process go on loading after the doors are open


def show() -> bool:
    """Start the service, let it settle, print each process; whether all stay under the limit
    together."""
    with Ours(users=False) as ours:
        time.sleep(SETTLE_SECONDS)
        members = sorted(processes.tree(ours.roots()), key=lambda process: process.started)
        sizes = [(process.pid, processes.pss_bytes(process.pid)) for process in members]
        for pid, size in sizes:
            print(f"{size / 2**20:8.1f} MB  {processes.command_line(pid)[:100]}")
    total = sum(size for _, size in sizes)
    right = total < LIMIT_BYTES
    verdict = "met" if right else "MISSED"
    print(f"{total / 2**20:8.1f} MB  together; the limit of {LIMIT_BYTES // 2**20} MB is {verdict}")
    return right
