"""kill -9 in the middle of a run: each acknowledged message is there once, whole.

A message whose 250 was lost on the way and that was sent again may be there twice: SMTP cannot do
better.
"""

import os
import random
import signal
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.installation import Installation, installation

PEOPLE = ("alice@example.test", "bob@example.test")
SENDERS = 4


class Run:
    """Sends numbered messages over several connections;

    a broken connection sends its message again.
    """

    def __init__(self, service: Installation, total: int, first: int = 0) -> None:
        self.service = service
        self.acknowledged: set[int] = set()
        self.uncertain: set[int] = set()  # sent once more, or never acknowledged
        self._numbers = iter(range(first, first + total))
        self._lock = threading.Lock()
        self._pause = threading.Event()
        self._threads = [threading.Thread(target=self._send_all) for _ in range(SENDERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(90)
            assert not thread.is_alive()

    def is_beyond(self, number: int) -> Callable[[], bool]:
        """A condition: more than `number` messages were acknowledged."""
        return lambda: len(self.acknowledged) > number

    def _next(self) -> int | None:
        with self._lock:
            return next(self._numbers, None)

    def _send_all(self) -> None:
        client: smtplib.SMTP | None = None
        number = self._next()
        end = time.monotonic() + 80
        while number is not None and time.monotonic() < end:
            try:
                client = client or self.service.smtp()
                client.sendmail("carol@outside.invalid", PEOPLE[number % 2], body(number))
            except (OSError, smtplib.SMTPException):
                # The answer may have been lost on its way.
                self.uncertain.add(number)
                client = None
                self._pause.wait(0.05)  # the door is closed for a moment: do not spin
            else:
                self.acknowledged.add(number)
                number = self._next()
        if client is not None:
            client.close()


def body(number: int) -> bytes:
    """A message that can be recognised and checked to the last byte."""
    filling = random.Random(number).randbytes(1500).hex()
    lines = "\r\n".join(filling[at : at + 70] for at in range(0, len(filling), 70))
    return f"Subject: number-{number}-\r\n\r\n{lines}\r\nend-{number}\r\n".encode()


def number_of(raw: bytes) -> int:
    return int(raw.partition(b"Subject: number-")[2].partition(b"-")[0])


def kill(service: Installation, role: str) -> None:
    os.kill(service.children()[role], signal.SIGKILL)


def check(service: Installation, runs: list[Run]) -> None:
    """Wait until the queue is empty, then compare mailboxes with what was acknowledged."""
    # The lease of a worker that was killed lapses first.
    service.wait_for_empty_queue(150, "the queue does not empty")
    found = [raw for address in PEOPLE for raw in service.inbox(address)]
    counts = Counter(map(number_of, found))
    acknowledged = set().union(*(run.acknowledged for run in runs))
    uncertain = set().union(*(run.uncertain for run in runs))
    assert acknowledged - set(counts) == set(), "acknowledged and lost"
    assert {n for n, times in counts.items() if times > 1} <= uncertain, "delivered twice"
    for raw in found:
        assert raw.endswith(body(number_of(raw))), "not whole"


def check_uids(service: Installation) -> None:
    """UIDs rise without a repeat, and UIDVALIDITY is what it was."""
    for address in PEOPLE:
        with service.imap(address) as client:
            first = client.select_folder("INBOX", readonly=True)
            uids = client.search()
            assert uids == sorted(set(uids))
            assert first[b"UIDNEXT"] > max(uids, default=0)


@pytest.mark.parametrize("role", [pytest.param("listeners", marks=pytest.mark.long), "worker"])
def test_it_loses_nothing_when_a_role_is_killed(tmp_path: Path, role: str) -> None:
    with installation(tmp_path) as service:
        service.add_people(*PEOPLE)
        run = Run(service, 150)
        run.start()
        service.wait_for(lambda: len(run.acknowledged) > 40, 30, "nothing is acknowledged")
        kill(service, role)
        run.join()
        assert len(run.acknowledged) == 150
        check(service, [run])
        check_uids(service)


def test_it_loses_nothing_when_everything_is_killed(tmp_path: Path) -> None:
    with installation(tmp_path) as service:
        service.add_people(*PEOPLE)
        run = Run(service, 120)
        run.start()
        service.wait_for(lambda: len(run.acknowledged) > 40, 30, "nothing is acknowledged")
        service.kill_everything()
        service.start()
        run.join()
        check(service, [run])
        check_uids(service)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_it_loses_nothing_in_five_runs_of_five_hundred(tmp_path: Path) -> None:
    with installation(tmp_path) as service:
        service.add_people(*PEOPLE)
        runs = []
        for round_number in range(5):
            run = Run(service, 500, round_number * 500)
            runs.append(run)
            run.start()
            service.wait_for(run.is_beyond(random.Random(round_number).randrange(50, 400)), 60, "")
            kill(service, random.Random(round_number).choice(["listeners", "worker"]))
            run.join()
            assert len(run.acknowledged) == 500
        check(service, runs)
        check_uids(service)
