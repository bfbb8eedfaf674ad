"""Ids that nobody gives out twice: in one process, in many threads, in forked children."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from apps.runtime.ulid import new_ulid, parse_ulid, ulid_text

ROOT = Path(__file__).resolve().parents[2]
MANY = 2_000


def test_they_sort_by_time_and_are_read_back() -> None:
    before = time.time_ns() // 1_000_000
    one = new_ulid()
    assert before <= one.int >> 80 <= time.time_ns() // 1_000_000
    assert parse_ulid(ulid_text(one)) == parse_ulid(str(one)) == one


def test_threads_share_none() -> None:
    def several(_: int) -> list[int]:
        return [new_ulid().int & (1 << 80) - 1 for _ in range(MANY)]

    with ThreadPoolExecutor(8) as pool:
        made = [one for found in pool.map(several, range(8)) for one in found]
    assert len(set(made)) == 8 * MANY


def test_forked_processes_share_none() -> None:
    """Random octets are fetched ahead; a child must not give out its parent's."""
    script = (
        "import os\n"
        "from apps.runtime.ulid import new_ulid\n"
        "new_ulid()\n"
        "child = os.fork()\n"
        "made = [str(new_ulid())[14:] for _ in range(300)]\n"
        "if child: os.waitpid(child, 0)\n"  # one after the other into the pipe
        "print('\\n'.join(made), flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert len(set(done.stdout.split())) == 600
