"""What stands on the disk when the 250 leaves: the order of the kernel's calls, by strace."""

import os
import re
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import ROOT, Installation, installation

CALLS = "trace=fsync,fdatasync,write,writev,sendto,sendmsg"
# Small enough for a database row, and large enough for a file of its own.
SIZES = (4_000, 300_000)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Installation]:
    """The SMTP door alone, with all its system calls of interest in `trace`."""
    with installation(tmp_path, start=False) as service:
        service.ports = {"SMTP": service.ports["SMTP"]}
        serve = ["manage.py", "serve", "--only", "listeners", "--doors", "smtp"]
        to = str(tmp_path / "trace")
        strace = ["strace", "-f", "--seccomp-bpf", "-yy", "-s", "40", "-e", CALLS, "-o", to]
        with service.log.open("wb") as log:
            # As its parent: attaching to a stranger is not allowed everywhere.
            service.process = subprocess.Popen(
                [*strace, sys.executable, *serve],
                cwd=ROOT,
                env=service.environment,
                stdout=log,
                stderr=log,
            )
        try:
            service.wait_for(service.is_ready, 60, "not ready")
            service.add_people("alice@example.test")
            yield service
        finally:
            children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
            for pid in children.read_text().split():
                os.kill(int(pid), signal.SIGTERM)  # strace itself would only let go of it
            service.process.wait(30)


def _send(service: Installation, size: int) -> None:
    body = b"Subject: x\r\n\r\n" + os.urandom(size).hex()[:size].encode() + b"\r\n"
    with smtplib.SMTP("127.0.0.1", service.ports["SMTP"], timeout=30) as client:
        client.sendmail("a@outside.invalid", ["alice@example.test"], body)


def _finished(trace: Path, service: Installation) -> list[str]:
    """The calls in the order in which they ended, a call in two halves as one."""
    service.wait_for(lambda: "221 2.0.0" in trace.read_text(errors="replace"), 30, "no trace")
    halves: dict[str, str] = {}
    calls = []
    for line in trace.read_text(errors="replace").splitlines():
        thread, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            halves[thread] = text
        elif resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", text):
            calls.append(halves.pop(thread, "") + resumed[1])
        else:
            calls.append(text)
    return calls


@pytest.mark.parametrize("size", SIZES)
def test_it_answers_when_everything_is_on_the_disk(watched: Installation, size: int) -> None:
    _send(watched, size)
    calls = _finished(watched.data / "trace", watched)
    go_on = next(number for number, call in enumerate(calls) if '"354 ' in call)
    reply = next(number for number, call in enumerate(calls) if '"250 2.0.0 Ok: queued' in call)
    synced = [
        found[1]
        for call in calls[go_on:reply]
        if (found := re.match(r"f(?:data)?sync\(\d+<([^>]*)>", call))
    ]
    blobs = [path for path in synced if "/blobs/" in path]
    if size > 100_000:
        files = [path for path in blobs if not Path(path).is_dir()]
        folders = [path for path in blobs if Path(path).is_dir()]
        assert files
        assert folders
        assert synced.index(files[0]) < synced.index(folders[0])
    else:
        assert not blobs
    if not watched.environment.get("DATABASE_URL"):  # Postgres syncs in a process of its own
        # The connection that made the file syncs the folder after it, once.
        files = [path for path in synced if not Path(path).is_dir()]
        assert files
        assert files[-1].endswith("-wal")
