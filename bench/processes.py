"""What the kernel knows about processes: trees, processor time, memory, who listens where.

Reads /proc only. Processor time of a tree counts what its living members used plus what their
buried children used, so short-lived workers (Postfix replaces one after 100 uses) are not lost.
The unit of /proc/<pid>/stat is a clock tick, 10 ms on Linux: measure seconds, not moments.
"""

import contextlib
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
TICKS: Final = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """The run cannot go on; the text tells the reader what to do about it."""


@dataclass(frozen=True, slots=True)
class Process:
    """One row of /proc at one moment. Times in seconds."""

    pid: int
    parent: int
    started: int
    dead: bool  # a zombie: its times still count here until its parent has waited for it
    own: float
    buried: float


def _process(pid: int) -> Process | None:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may itself hold blanks and parentheses: cut after the last one.
    fields = text.rpartition(")")[2].split()
    user, system, child_user, child_system = (int(ticks) / TICKS for ticks in fields[11:15])
    return Process(
        pid=pid,
        parent=int(fields[1]),
        started=int(fields[19]),
        dead=fields[0] in "ZX",
        own=user + system,
        buried=child_user + child_system,
    )


def tree(roots: Iterable[int]) -> list[Process]:
    """The living members of the trees under `roots`, the roots included."""
    everyone = [
        p for entry in PROC.iterdir() if entry.name.isdigit() if (p := _process(int(entry.name)))
    ]
    children: dict[int, list[Process]] = {}
    for process in everyone:
        children.setdefault(process.parent, []).append(process)
    wanted = set(roots)
    waiting = [process for process in everyone if process.pid in wanted]
    found: dict[int, Process] = {}
    while waiting:
        process = waiting.pop()
        if process.pid not in found:
            found[process.pid] = process
            waiting.extend(children.get(process.pid, ()))
    return list(found.values())


def cpu_seconds(roots: Iterable[int]) -> float:
    """Processor seconds of the whole trees since they began, dead members included."""
    return sum(process.own + process.buried for process in tree(roots))


def own_cpu_seconds(pids: Iterable[int]) -> float:
    """Processor seconds of exactly these processes, without children."""
    return sum(process.own for pid in pids if (process := _process(pid)))


def machine_cpu_seconds() -> float:
    """Processor seconds everybody on this machine used since it started (not idle, not waiting)."""
    user, nice, system, _idle, _iowait, irq, softirq, *_ = (
        int(ticks) / TICKS for ticks in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return user + nice + system + irq + softirq


def pss_bytes(pid: int) -> int:
    """Proportional set size: shared pages are counted once, split among their sharers."""
    try:
        text = (PROC / str(pid) / "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    match = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def tree_pss_bytes(roots: Iterable[int]) -> int:
    """PSS of the whole trees together."""
    return sum(pss_bytes(process.pid) for process in tree(roots))


def command_line(pid: int) -> str:
    """What the process was started with, blanks between arguments; empty when it is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return (
            (PROC / str(pid) / "cmdline")
            .read_bytes()
            .replace(b"\0", b" ")
            .decode(errors="replace")
            .strip()
        )
    return ""


def listeners_of(port: int, roots: Iterable[int]) -> list[int]:
    """The processes under `roots` that hold a listening socket on this loopback port."""
    sockets = _listening_inodes(port)
    return sorted(process.pid for process in tree(roots) if sockets & _open_sockets(process.pid))


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("tcp", "tcp6"):
        path = PROC / "net" / table
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    return inodes


def _open_sockets(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for handle in (PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found.add(str(handle.readlink()))
    return found


def forget_files(folder: Path) -> None:
    """Have the kernel drop from memory what it holds of these files, and of no others."""
    os.sync()  # what is not written yet cannot be dropped
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with contextlib.suppress(OSError), path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def free_ports(count: int) -> list[int]:
    """Loopback ports nobody uses now. Held together until all are known, so none comes twice."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]


def wait_until(
    condition: Callable[[], bool], what: str, *, seconds: float, pause: float = 0.05
) -> None:
    """Wait for `condition`; BenchError naming `what` when it has not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(f"Waited {seconds:.0f} s in vain for {what}.")
        time.sleep(pause)


def banner_answers(port: int, expected: bytes) -> bool:
    """Whether a server on this loopback port greets with `expected`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(512).startswith(expected)
    except OSError:
        return False


def accepts(port: int) -> bool:
    """Whether somebody listens on this loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def end_leftovers(members: Iterable[Process], *, seconds: float = 10) -> None:
    """Wait for these processes to be gone; kill those that stay. The start time guards against a
    process id that now belongs to somebody else."""

    def living() -> list[Process]:
        return [
            p
            for p in members
            if (now := _process(p.pid)) and not now.dead and now.started == p.started
        ]

    members = list(members)
    try:
        wait_until(lambda: not living(), "processes to end", seconds=seconds)
    except BenchError:
        for process in living():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
