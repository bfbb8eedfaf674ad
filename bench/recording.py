"""What the flight recorder costs a receiver: the same mail with recording on and off, in turn.

One process with the door for other servers and the delivery behind it, on the embedded default
(SQLite, in a folder that is made for the run); its clients are a process of their own. "Off" puts
functions that write nothing in the place of `apps.trace.services.record` and of what makes its
data: there is no such setting, for a server that cannot say what became of mail is not one to have.

Each round sends the same messages twice, and is paired: on and off in changing order, with the
mailboxes filled behind it; of these is what the whole way takes. The door is measured apart, for
machines change their speed by half within seconds, and batches come out as they will: while mail
comes without a pause, recording goes on and off every tenth of a second, and all slots of one kind
are taken together. Errors are those of drawing as many pairs of slots anew. Processor time is that
of the whole process, in which, as in the server's, the collector lets alone what was there before.

    .venv/bin/python -m bench.recording [--rounds N] [--messages N]
"""

import argparse
import gc
import os
import random
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
SLOT: Final = 0.1  # seconds
SETTLING: Final = 0.01  # of a slot, that belong to what was on before
DRAWN: Final = 500

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
    """One round. `whole`: processor milliseconds for each message until all are in the mailbox;
    `rate`: filed, messages a second."""

    rate: float
    whole: float


@dataclass(frozen=True, slots=True)
class Slot:
    """A tenth of a second at the door: messages accepted, in how many seconds, of which the
    process had how many of a processor."""

    messages: int
    seconds: float
    cpu: float


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
        gc.collect()
        gc.freeze()
        pairs = []
        for number in range(rounds):
            order = (True, False) if number % 2 else (False, True)
            got = {recording: _round(port, messages, recording=recording) for recording in order}
            pairs.append((got[True], got[False]))
            print(f"{number + 1:3} {got[True]} {got[False]}", file=sys.stderr, flush=True)
        slots = [slot for _ in range(rounds) for slot in _slots(port, messages * 4)]
    _tell(pairs, messages)
    _tell_door(slots)


def _round(port: int, messages: int, *, recording: bool) -> Sample:
    from apps.delivery import process

    with ExitStack() as stack:
        if not recording:
            stack.enter_context(_unrecorded())
        cpu, began = time.process_time(), time.perf_counter()
        _wait(_client(port, messages))
        while process.run_once():
            pass
        seconds, whole = time.perf_counter() - began, time.process_time() - cpu
    return Sample(messages / seconds, whole * 1000 / messages)


def _client(port: int, messages: int) -> subprocess.Popen[bytes]:
    """Begin to send."""
    words = (port, messages // CONNECTIONS, READER, CONNECTIONS)
    client = subprocess.Popen(
        [sys.executable, "-c", _CLIENT, *map(str, words)], stdin=subprocess.PIPE
    )
    assert client.stdin is not None
    client.stdin.write(compose(SIZE).replace("\n", "\r\n").encode())
    client.stdin.close()
    return client


def _wait(client: subprocess.Popen[bytes]) -> None:
    if client.wait():
        raise RuntimeError("the client could not send")


def _slots(port: int, messages: int) -> Iterator[tuple[Slot, Slot]]:
    """While mail comes: pairs of slots, with recording and without. What came is filed then."""
    from apps.delivery import process

    accepted = [0]
    with patch("apps.delivery.accept._accept", _counting(accepted)):
        client = _client(port, messages)
        while not accepted[0]:
            time.sleep(SETTLING)
        while True:
            order = random.sample((True, False), 2)
            got = {recording: _slot(accepted, recording=recording) for recording in order}
            if client.poll() is not None or accepted[0] > messages * 0.95:
                break
            yield got[True], got[False]
        _wait(client)
    while process.run_once():
        pass


def _counting(accepted: list[int]) -> Any:
    from apps.delivery import accept

    real = accept._accept

    def counted(batch: Any, *more: Any) -> Any:
        results = real(batch, *more)
        accepted[0] += len(batch)
        return results

    return counted


def _slot(accepted: list[int], *, recording: bool) -> Slot:
    with ExitStack() as stack:
        if not recording:
            stack.enter_context(_unrecorded())
        time.sleep(SETTLING)
        before, began, cpu = accepted[0], time.perf_counter(), time.process_time()
        time.sleep(SLOT)
        spent, seconds = time.process_time() - cpu, time.perf_counter() - began
        return Slot(accepted[0] - before, seconds, spent)


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
        stack.enter_context(patch("apps.trace.services.data_of", lambda _: ""))
        yield


_SAYING: Final = ("begin", "client", "server", "note", "end")


def _tell(pairs: list[tuple[Sample, Sample]], messages: int) -> None:
    print(f"{len(pairs)} pairs of {messages} messages of {SIZE} octets, {CONNECTIONS} connections")
    on, off = ([one.whole for one in side] for side in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in zip(on, off, strict=True))
    print(
        f"whole: {statistics.median(on):.3f} ms of processor a message with recording,"
        f" {statistics.median(off):.3f} without; median of the pairs' ratios {ratio:.3f}"
    )
    rate = statistics.median(on.rate / off.rate for on, off in pairs)
    print(f"filed messages a second, on/off, median of the pairs: {rate:.3f}")


def _tell_door(slots: list[tuple[Slot, Slot]]) -> None:
    drawn = [_ratios(random.choices(slots, k=len(slots))) for _ in range(DRAWN)]
    errors = [statistics.stdev(side) for side in zip(*drawn, strict=True)]
    print(f"door, {len(slots)} pairs of slots:")
    names = ("processor a message", "accepted messages a second")
    for name, ratio, error in zip(names, _ratios(slots), errors, strict=True):
        print(f"  {name}, on/off: {ratio:.3f} ± {error:.3f}")


def _ratios(slots: list[tuple[Slot, Slot]]) -> tuple[float, float]:
    """With recording by without it: processor time a message, and messages a second."""
    sides = [
        (
            sum(one.messages for one in side),
            sum(one.seconds for one in side),
            sum(one.cpu for one in side),
        )
        for side in zip(*slots, strict=True)
    ]
    (some, took, spent), (others, its_took, its_spent) = sides
    return (spent / some) / (its_spent / others), (some / took) / (others / its_took)


if __name__ == "__main__":
    main()
