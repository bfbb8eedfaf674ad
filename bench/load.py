"""The load: Debian's `smtp-source`, the same bytes to both servers, spread over all users.

smtp-source writes to one recipient only, so there is one smtp-source per user: all at once over
20 connections, one after another over a single one. The messages are mail as people write it
(random words, base64), not smtp-source's own rows of one letter, which would flatter a server
that compresses.
"""

import base64
import contextlib
import os
import random
import subprocess
import tempfile
import textwrap
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.processes import BenchError
from bench.service import USERS

SMTP_SOURCE: Final = Path("/usr/sbin/smtp-source")
SENDER: Final = "sender@client.example"
LIMIT_SECONDS: Final = 300  # for one load; what lasts longer is broken, not slow

_HEAD: Final = """\
From: Ada Sender <sender@client.example>
To: Undisclosed recipients:;
Subject: Minutes of the meeting on Thursday, second draft
Date: Thu, 20 Nov 2025 10:11:12 +0100
Message-ID: <20251120101112.{size}@client.example>
MIME-Version: 1.0
Content-Type: {kind}; boundary="=-frontier"

--=-frontier
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

"""
_HTML: Final = """
--=-frontier
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: 8bit

"""
_ATTACHMENT: Final = """
--=-frontier
Content-Type: application/octet-stream; name="plan.bin"
Content-Disposition: attachment; filename="plan.bin"
Content-Transfer-Encoding: base64

"""
_END: Final = "\n--=-frontier--\n"


@dataclass(frozen=True, slots=True)
class Workload:
    """One row of the table. `kept`: all messages of a user over one connection, else one each."""

    name: str
    size: int
    connections: int
    kept: bool
    messages: int


@dataclass(frozen=True, slots=True)
class Sent:
    """When the load began and when the last 250 had come (monotonic), and what the client used."""

    began: float
    ended: float
    client_cpu: float


def _words(source: random.Random, size: int) -> str:
    """About `size` bytes of text: 3,000 made-up words, common ones often, as Zipf saw them."""
    letters = "eeeetttaaooiinnsshhrrdlucmwfgypbvk"
    words = ["".join(source.choices(letters, k=source.randint(2, 9))) for _ in range(3000)]
    weights = [1 / rank for rank in range(1, 3001)]
    text = " ".join(source.choices(words, weights, k=size // 4))
    return textwrap.fill(text[:size], 76, break_long_words=False)


def compose(size: int) -> str:
    """A message of about `size` bytes on the wire: text and HTML when small, with an attachment
    when large."""
    source = random.Random(size)  # the same bytes in every run
    if size < 16_384:
        room = size - len(_HEAD) - len(_HTML) - 100
        html = (
            "<html><body><p>"
            + _words(source, room // 2).replace("\n", "<br>\n")
            + "</p></body></html>"
        )
        head = _HEAD.format(size=size, kind="multipart/alternative")
        return head + _words(source, room // 2) + _HTML + html + _END
    head = _HEAD.format(size=size, kind="multipart/mixed")
    room = size - len(head) - len(_ATTACHMENT) - 4096
    attachment = base64.encodebytes(source.randbytes(room * 73 // 100)).decode()
    return head + _words(source, 4000) + _ATTACHMENT + attachment + _END


def shares(messages: int) -> dict[str, int]:
    """How many messages each user gets; the first ones get the remainder."""
    whole, rest = divmod(messages, len(USERS))
    counts = {user: whole + (number < rest) for number, user in enumerate(USERS)}
    return {user: count for user, count in counts.items() if count}


def send(port: int, workload: Workload, file: Path) -> Sent:
    """Run the load against a loopback port and wait for the last 250. BenchError when any message
    was refused."""
    commands = [
        _command(port, workload, file, user, count)
        for user, count in shares(workload.messages).items()
    ]
    began = time.monotonic()
    if workload.connections == 1:
        cpu = sum(_run([command], began) for command in commands)
    elif workload.connections == len(USERS):
        cpu = _run(commands, began)
    else:
        raise BenchError(f"A load has 1 or {len(USERS)} connections, not {workload.connections}.")
    return Sent(began, time.monotonic(), cpu)


def _command(port: int, workload: Workload, file: Path, user: str, count: int) -> list[str]:
    command = [str(SMTP_SOURCE), "-s", "1", "-m", str(count), "-F", str(file)]
    command += ["-M", "client.example", "-f", SENDER, "-t", user]
    return [*command, *(["-d"] if workload.kept else []), f"inet:127.0.0.1:{port}"]


def _run(commands: Sequence[Sequence[str]], began: float) -> float:
    """Run these at once to their end; the processor seconds they used. They never outlive this
    call."""
    with tempfile.TemporaryFile() as errors, contextlib.ExitStack() as stack:
        clients: list[subprocess.Popen[bytes]] = []
        expired = threading.Event()

        def end() -> None:
            expired.set()
            for client in clients:
                client.kill()

        watchdog = threading.Timer(LIMIT_SECONDS - (time.monotonic() - began), end)
        watchdog.daemon = True
        stack.callback(watchdog.cancel)
        watchdog.start()
        try:
            for command in commands:
                clients.append(
                    subprocess.Popen(
                        command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
                    )
                )
            cpu = sum(_reap(client) for client in clients)
        except BaseException:
            end()
            raise
        if expired.is_set():
            raise BenchError(f"A load was not through after {LIMIT_SECONDS} s.")
        if any(client.returncode for client in clients):
            errors.seek(0)
            raise BenchError(
                f"smtp-source failed: {errors.read(2000).decode(errors='replace').strip()}"
            )
        return cpu


def _reap(client: subprocess.Popen[bytes]) -> float:
    # wait4 and not Popen.wait: only it tells what the child used.
    _, status, usage = os.wait4(client.pid, 0)
    client.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime
