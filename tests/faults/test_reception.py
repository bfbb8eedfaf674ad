"""What counts, remembers and delays is out of order: mail is taken all the same, and soon."""

import os
import signal
import smtplib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import services
from tests.support.installation import Installation, installation
from tests.support.senders import letter
from tests.support.smtp_dialogue import BALANCER, Client

ALICE = "alice@example.test"
STRANGERS = ("198.51.100.7", "2001:db8:7::25")
SECONDS = 10.0  # a client that waits for this many gives up on nobody


@contextmanager
def with_redis(folder: Path) -> Iterator[tuple[Installation, services.Server]]:
    """A service that counts in a Redis of its own."""
    with services.redis() as store:
        more = {"REDIS_URL": store.url, "TRUSTED_PROXIES": str(BALANCER)}
        more["SCAN_WAIT_SECONDS"] = "2"  # the worker is called by Redis too
        with installation(folder, more) as service:
            service.add_people(ALICE)
            service.manage("domain", "set", "example.test", "--greylisting", "on")
            yield service, store


def give(service: Installation, stranger: str, raw: bytes) -> float:
    """Hand in a message as somebody on the internet; how long all answers took."""
    began = time.monotonic()
    with Client(service.ports["SMTP"], seen_as=stranger) as client:
        assert client.reply().code == 220
        assert client.ask("EHLO mx.elsewhere.test").code == 250
        assert client.ask("MAIL FROM:<carol@elsewhere.test>").code == 250
        assert client.ask(f"RCPT TO:<{ALICE}>").code == 250
        assert client.ask("DATA").code == 354
        answer = client.text(raw)
        assert answer.code == 250, answer
    return time.monotonic() - began


def test_it_takes_mail_while_redis_hangs_and_while_it_is_gone(tmp_path: Path) -> None:
    with with_redis(tmp_path) as (service, store):
        for how in (signal.SIGSTOP, signal.SIGKILL):
            os.kill(store.process.pid, how)
            for stranger in STRANGERS:
                for _ in range(3):
                    assert give(service, stranger, letter("carol@elsewhere.test")) < SECONDS
            with service.smtp() as client, pytest.raises(smtplib.SMTPRecipientsRefused):
                client.sendmail("a@elsewhere.test", "nobody@example.test", b"x")
        logged = service.log.read_text().splitlines()
        # Of a task that was under way Celery says at length that it could not be acknowledged, and
        # its clock that it could not tell of one.
        of_celery = ("celery.worker.request", "celery.beat")
        told = [line for line in logged if not any(name in line for name in of_celery)]
        assert [line for line in told if "Traceback" in line] == []
