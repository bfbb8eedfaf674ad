"""Shows by strace that a message is on the disk before its 250 leaves the listener.

One message of 4 KB (kept in the database row) and one of 100 KB (kept in a file) are sent while
strace watches every thread of the listener. Between the 354 and the 250 there must be, in this
order and each finished before the next: the blob file synced, the file put under its name, its
folder synced, the database's log written and synced.
"""

import contextlib
import os
import re
import shutil
import smtplib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import load, processes
from bench.ours import Ours
from bench.processes import BenchError
from bench.service import USERS

CALLS: Final = (
    "fsync,fdatasync,rename,renameat,renameat2,link,linkat,"
    "pwrite64,pwritev,write,writev,sendto,sendmsg"
)
# "1234 1732.5 fsync(7</data/x>) = 0", or in two halves when another thread came between:
# "1234 1732.5 fsync(7</data/x> <unfinished ...>" and "1234 1732.6 <... fsync resumed>) = 0"
_LINE: Final = re.compile(
    r"(?P<thread>\d+) +(?P<at>[\d.]+) (?:<\.\.\. (?P<resumed>\w+) resumed>)?(?P<text>.*)"
)
_CALL: Final = re.compile(
    r"(?P<name>\w+)\((?:AT_FDCWD<[^>]*>, )?(?:\d+<(?P<path>.*?)(?:>, |>\)|> <|>$))?(?P<rest>.*)"
)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Call:
    """One system call. `began` and `ended` are line numbers of the trace: its order is the
    kernel's."""

    name: str
    path: str
    rest: str
    at: float
    began: int
    ended: int


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that had to happen between 354 and 250, with the call that did it, if any did."""

    what: str
    call: Call | None


def read_trace(lines: Sequence[str]) -> list[Call]:
    """The calls of an strace file (-f -ttt -yy) in the order in which they ended."""
    calls = []
    open_halves: dict[str, tuple[str, float, int]] = {}
    for number, line in enumerate(lines):
        if (match := _LINE.fullmatch(line)) is None:
            continue
        thread, text = match["thread"], match["text"]
        began, at = number, float(match["at"])
        if text.endswith("<unfinished ...>"):
            open_halves[thread] = (text, at, number)
            continue
        if match["resumed"]:
            if thread not in open_halves:
                continue  # it began before strace came
            first, at, began = open_halves.pop(thread)
            text = first.removesuffix("<unfinished ...>") + text
        if call := _CALL.match(text):
            calls.append(Call(call["name"], call["path"] or "", call["rest"], at, began, number))
    return calls


def accepted_between(calls: Sequence[Call], client_port: int) -> tuple[Call, Call]:
    """The writes of the 354 and of the 250 that answers the message, on this client's socket."""
    end = f"->127.0.0.1:{client_port}]"
    replies = [
        call
        for call in calls
        if "TCP" in call.path and call.path.endswith(end) and _is_write(call.name)
    ]
    for number, go_on in enumerate(replies[:-1]):
        if _starts(go_on, "354") and _starts(replies[number + 1], "250"):
            return go_on, replies[number + 1]
    raise BenchError("The trace shows no 354 and 250 on the client's connection.")


def _is_write(name: str) -> bool:
    return name in {"write", "writev", "sendto", "sendmsg"}


def _starts(call: Call, code: str) -> bool:
    quoted = _QUOTED.search(call.rest)
    return quoted is not None and quoted[1].startswith(code)


def steps(calls: Sequence[Call], go_on: Call, reply: Call, data: Path, *, file: bool) -> list[Step]:
    """The steps in the order in which they must have happened; a Step without a call is missing."""
    window = [call for call in calls if go_on.ended < call.ended < reply.began]
    found = list(_file_steps(window, data)) if file else []
    after = found[-1].call.ended if found and found[-1].call else go_on.ended
    writes = [
        c
        for c in window
        if c.name.startswith("pwrite") and c.path.endswith("-wal") and c.began > after
    ]
    last = writes[-1] if writes else None
    synced = [
        c
        for c in window
        if _is_sync(c) and c.path.endswith("-wal") and last and c.began > last.ended
    ]
    return [
        *found,
        Step("database log written", last),
        Step("database log synced (commit)", synced[0] if synced else None),
        Step("250 written to the client", reply),
    ]


def _file_steps(window: Sequence[Call], data: Path) -> Iterator[Step]:
    syncs = [
        c for c in window if _is_sync(c) and c.path.startswith(str(data)) and "sqlite" not in c.path
    ]
    folders = [c for c in syncs if Path(c.path).is_dir()]
    files = [c for c in syncs if c not in folders]
    file = files[0] if files else None
    yield Step("blob file synced", file)
    kept = [
        c
        for c in folders
        if file and c.began > file.ended and c.path == str(Path(file.path).parent)
    ]
    yield Step("its folder synced", kept[0] if kept else None)


def _is_sync(call: Call) -> bool:
    return call.name in {"fsync", "fdatasync"}


@contextlib.contextmanager
def _watching(pids: Sequence[int], output: Path) -> Iterator[None]:
    strace = shutil.which("strace")
    if strace is None:
        raise BenchError("strace is not installed: apt-get install --no-install-recommends strace")
    command = [strace, "-f", "-ttt", "-yy", "-s", "200", "-e", f"trace={CALLS}", "-o", str(output)]
    errors = output.with_suffix(".errors")
    with errors.open("wb") as stream:
        watcher = subprocess.Popen(
            [*command, *(word for pid in pids for word in ("-p", str(pid)))],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    try:
        attached = [f"Process {pid} attached" for pid in pids]
        processes.wait_until(
            lambda: all(line in errors.read_text() for line in attached),
            "strace to attach",
            seconds=20,
        )
        yield
    finally:
        watcher.terminate()  # strace lets go of what it watches
        watcher.wait(20)


def _send(port: int, text: str) -> int:
    """Send one message; the client's own port, by which the trace names the connection."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.example", timeout=60) as client:
        if client.sock is None:
            raise BenchError("The client has no connection.")
        own_port = int(client.sock.getsockname()[1])
        client.sendmail(load.SENDER, [USERS[0]], text.replace("\n", "\r\n").encode())
        return own_port


def show() -> bool:
    """Start the service, send both messages, print what happened when; whether the order was
    right."""
    if os.environ.get("DATABASE_URL"):
        raise BenchError("Only SQLite writes in the listener itself: unset DATABASE_URL.")
    right = True
    with Ours() as ours:
        for size, file in ((4 * 1024, False), (100 * 1024, True)):
            trace = ours.data / f"strace-{size}"
            with _watching(processes.listeners_of(ours.smtp_port, ours.roots()), trace):
                client_port = _send(ours.smtp_port, load.compose(size))
            calls = read_trace(trace.read_text(errors="replace").splitlines())
            go_on, reply = accepted_between(calls, client_port)
            right &= _print(
                size, steps(calls, go_on, reply, ours.data, file=file), go_on, ours.data
            )
    return right


def _print(size: int, found: Sequence[Step], go_on: Call, data: Path) -> bool:
    print(f"\nA message of {size // 1024} KB, in milliseconds after the 354:")
    for step in found:
        if step.call is None:
            print(f"     -     {step.what}: MISSING or out of order")
        else:
            names = step.call.path or ", ".join(_QUOTED.findall(step.call.rest))
            shown = names.replace(f"{data}/", "")
            print(
                f"  {(step.call.at - go_on.at) * 1e3:8.3f} {step.what}: {step.call.name}({shown})"
            )
    return all(step.call for step in found)
