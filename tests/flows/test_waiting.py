"""A real service whose processes are killed while a client waits for the verdict: the message is in
the mailbox once, or nowhere, as its client was told."""

import os
import signal
import smtplib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.installation import Installation, _descendants, installation
from tests.support.turns import stop

LETTER = (
    "From: Carol <carol@outside.invalid>\r\nTo: alice@example.test\r\nSubject: {name}\r\n"
    "Date: Tue, 24 Nov 2026 10:00:00 +0100\r\nMessage-ID: <{name}@outside.invalid>\r\n\r\n"
    "Hello.\r\n"
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    # Longer than a look at the queue takes, on however slow a machine.
    more = {"SCAN_WAIT_SECONDS": "30"}
    with installation(tmp_path_factory.mktemp("waiting"), more, clerk=True) as found:
        found.add_people("alice@example.test")
        yield found


def give(service: Installation, name: str) -> int:
    """The answer to a message; 0 if the connection ended without one."""
    try:
        with smtplib.SMTP("127.0.0.1", service.ports["SMTP"], timeout=60) as client:
            client.ehlo("outside.invalid")
            client.mail("carol@outside.invalid")
            client.rcpt("alice@example.test")
            return client.data(LETTER.format(name=name).encode())[0]
    except smtplib.SMTPServerDisconnected:
        return 0


def workers(service: Installation) -> list[int]:
    """The worker of the fast lane with its pool."""
    main = int((Path(service.data) / "var" / "run" / "worker.pid").read_text())
    return [main, *_descendants(main)]


def send_to(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


def stopped(service: Installation) -> list[int]:
    """Those of `workers`, which do nothing until they are told to go on."""
    pids = workers(service)
    stop(service, pids)
    return pids


def offer(service: Installation, pool: ThreadPoolExecutor, name: str) -> "Future[int]":
    """A client that waits; nobody judges its message before somebody lets the workers go on."""
    answer = pool.submit(give, service, name)
    service.wait_for(
        lambda: [row["state"] for row in service.queue()] == ["offered"], 60, "it is not offered"
    )
    return answer


def count(service: Installation, name: str) -> int:
    wanted = f"Subject: {name}\r\n".encode()
    return sum(wanted in raw for raw in service.inbox("alice@example.test"))


def test_a_door_is_killed(service: Installation) -> None:
    paused = stopped(service)
    try:
        with ThreadPoolExecutor(1) as pool:
            answer = offer(service, pool, "door")
            os.kill(service.children()["listeners"], signal.SIGKILL)
            assert answer.result(60) == 0
    finally:
        send_to(paused, signal.SIGCONT)
    service.wait_for(service.is_ready, 60, "the door is not back")
    service.wait_for_empty_queue(60, "it is still in the queue")
    assert count(service, "door") == 1
    assert give(service, "after-door") == 250
    assert count(service, "after-door") == 1


@pytest.mark.long
def test_a_worker_is_killed(service: Installation) -> None:
    paused = stopped(service)
    with ThreadPoolExecutor(1) as pool:
        answer = offer(service, pool, "worker")
        send_to(paused, signal.SIGKILL)
        assert answer.result(60) == 250
    service.wait_for_empty_queue(60, "it is still in the queue")
    assert count(service, "worker") == 1
