"""What the flight recorder costs a receiver: the same mail with recording on and off, in turn.

One process with the door for other servers and the delivery behind it, on the embedded default
(SQLite, in a folder that is made for the run); its clients are a process of their own. "Off" puts
functions that write nothing in the place of `apps.trace.services.record` and of what makes its
data: there is no such setting, for a server that cannot say what became of mail is not one to have.

Both are measured in processor time of the whole process, which other work on the machine disturbs
less than rates, and as rates. Rounds are short and paired, on and off in changing order, so that
what drifts drifts for both; the median of the ratios of the pairs is the figure.

    .venv/bin/python -m bench.recording [--rounds N] [--messages N]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

from bench.load import compose

CONNECTIONS: Final = 4
SIZE: Final = 4 * 1024
READER: Final = "reader@bench.example"

_CLIENT: Final = """
import smtplib, sys, threading
port, messages, text = int(sys.argv[1]), int(sys.argv[2]), sys.stdin.buffer.read()
def send():
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.bench.example") as client:
        for _ in range(messages):
            client.sendmail("sender@far.bench.example", [sys.argv[3]], text)
threads = [threading.Thread(target=send) for _ in range(int(sys.argv[4]))]
[one.start() for one in threads]
[one.join() for one in threads]
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One round. Processor milliseconds for each message: `door` until the last 250, `whole` until
    all are in the mailbox. `rate`: accepted, messages a second."""

    rate: float
    door: float
    whole: float


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--messages", type=int, default=400, help="in each round")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="bench-recording-")
    for name in ("DATABASE_URL", "REDIS_URL", "BLOB_URL"):
        os.environ[name] = ""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="mailhost.settings",
        MAILHOST_DATA=folder,
        MAIL_HOSTNAME="mail.bench.example",
        DNS_SERVERS="",
        LOG_LEVEL="error",
    )
    try:
        _race(options.rounds, options.messages)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _race(rounds: int, messages: int) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from apps.provisioning import services as provisioning

    provisioning.add_domain(READER.partition("@")[2])
    provisioning.add_user(READER, "correct horse battery")
    from tests.support.smtp_dialogue import running

    with running("smtp") as doors:
        port = doors.ports["smtp"]
        for recording in (True, False):
            _round(port, messages, recording=recording)  # not counted
        pairs = []
        for number in range(rounds):
            order = (True, False) if number % 2 else (False, True)
            got = {recording: _round(port, messages, recording=recording) for recording in order}
            pairs.append((got[True], got[False]))
            print(f"{number + 1:3} {got[True]} {got[False]}", file=sys.stderr, flush=True)
    _tell(pairs, messages)


def _round(port: int, messages: int, *, recording: bool) -> Sample:
    from apps.delivery import process

    words = (port, messages // CONNECTIONS, READER, CONNECTIONS)
    with ExitStack() as stack:
        if not recording:
            stack.enter_context(_unrecorded())
        cpu, began = time.process_time(), time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", _CLIENT, *map(str, words)],
            input=compose(SIZE).replace("\n", "\r\n").encode(),
            check=True,
        )
        seconds, door = time.perf_counter() - began, time.process_time() - cpu
        while process.run_once():
            pass
        whole = time.process_time() - cpu
    return Sample(messages / seconds, door * 1000 / messages, whole * 1000 / messages)


@contextmanager
def _unrecorded() -> Iterator[None]:
    """Nothing is recorded, and nothing of it is made ready."""

    def nothing(*_args: object, **_more: object) -> Any:
        return {}

    with ExitStack() as stack:
        for name in (
            "apps.trace.services.record",
            "apps.delivery.accept._received",
            "apps.smtp.intake.text_told",
            "apps.smtp.intake.said_by",
            *(f"apps.smtp.proto.dialogue.Dialogue.{one}" for one in _SAYING),
        ):
            stack.enter_context(patch(name, nothing))
        yield


_SAYING: Final = ("begin", "client", "server", "note", "end")


def _tell(pairs: list[tuple[Sample, Sample]], messages: int) -> None:
    print(f"{len(pairs)} pairs of {messages} messages of {SIZE} octets, {CONNECTIONS} connections")
    for name in ("door", "whole"):
        on, off = ([getattr(one, name) for one in side] for side in zip(*pairs, strict=True))
        ratio = statistics.median(one / other for one, other in zip(on, off, strict=True))
        print(
            f"{name}: {statistics.median(on):.3f} ms of processor a message with recording,"
            f" {statistics.median(off):.3f} without; median of the pairs' ratios {ratio:.3f}"
        )
    rate = statistics.median(on.rate / off.rate for on, off in pairs)
    print(f"accepted messages a second, on/off, median of the pairs: {rate:.3f}")


if __name__ == "__main__":
    main()
