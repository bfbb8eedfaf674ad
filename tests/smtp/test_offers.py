"""The door for other servers waits for the verdict: the answer is what was committed."""

import asyncio
import logging
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection
from pytest_django import Settings

from apps.delivery import process
from apps.directory.models import User
from apps.events import bus
from apps.events.types import QueueRang
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import Lane, QueuedMessage
from apps.mailstore.models import Entry
from apps.reception.models import Refused
from apps.scan import runner
from apps.smtp import offers
from apps.smtp.offers import BETWEEN_TRIALS, TRIAL_SECONDS, VAIN_MOST, Breaker, Worker
from apps.trace import queries as trace
from tests.support.services import wait_for
from tests.support.smtp_dialogue import Answer, Client, Running
from tests.support.verdicts import SubjectCheck, letter

LONG, SHORT = 30, 1  # seconds that a door may wait


@pytest.fixture(autouse=True)
def _waits(settings: Settings, monkeypatch: pytest.MonkeyPatch, _no_checks: None) -> None:
    settings.SCAN_WAIT_SECONDS = LONG
    monkeypatch.setattr(runner, "CHECKS", (SubjectCheck(),))


@pytest.fixture(autouse=True)
def _worker_is_heard_of(request: pytest.FixtureRequest) -> Iterator[None]:
    """Somebody listens for mail, who does not work."""
    if "nobody" in request.fixturenames:
        yield
        return
    with bus.listen({QueueRang}):
        yield


@pytest.fixture
def nobody() -> None:
    """There is no worker yet."""


@contextmanager
def working(lane: Lane = Lane.FAST) -> Iterator[None]:
    """A worker of our own, as long as this lasts."""
    ended = threading.Event()

    def work() -> None:
        with bus.listen({QueueRang}) as inbox:
            while not ended.is_set():
                if not process.run_once(lane=lane):
                    inbox.wait(0.05)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def begin(client: Client, *to: str) -> None:
    """Everything before the text."""
    assert client.ask("MAIL FROM:<carol@outside.invalid>").code == 250
    for address in to or ("alice@example.test",):
        assert client.ask(f"RCPT TO:<{address}>").code == 250
    assert client.ask("DATA").code == 354


def give(smtp: Running, subject: str, *to: str) -> Answer:
    """Bring one message."""
    with smtp.ready() as client:
        begin(client, *to)
        return client.text(letter(subject))


def filed(user: User, use: str = "inbox") -> int:
    return Entry.objects.filter(mailbox__user=user, mailbox__special_use=use).count()


def states() -> list[str]:
    return list(QueuedMessage.objects.order_by("id").values_list("state", flat=True))


def is_offered() -> bool:
    return states() == ["offered"]


def hang_up(client: Client) -> None:
    """Go without a word, as a process that is killed."""
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()


@pytest.mark.parametrize(
    ("subject", "code", "words", "inbox", "junk"),
    [
        ("Hello", 250, "2.0.0 Ok: queued as", 1, 0),
        ("JUNK", 250, "2.0.0 Ok: queued as", 0, 1),
        ("POLICY", 250, "2.0.0 Ok: queued as", 0, 0),
        ("SPAM", 550, "5.7.1 This message is taken for spam: its subject is SPAM", 0, 0),
        ("VIRUS", 550, "5.7.1 This message is not taken because of what it contains:", 0, 0),
        ("DEFER", 451, "4.7.1 This message cannot be judged now", 0, 0),
    ],
)
def test_it_answers_what_was_decided(
    smtp: Running, alice: User, subject: str, code: int, words: str, inbox: int, junk: int
) -> None:
    with working():
        answer = give(smtp, subject)
    assert (answer.code, answer.lines[0][: len(words)]) == (code, words)
    assert (filed(alice), filed(alice, "junk")) == (inbox, junk)


def test_who_would_have_got_it_can_learn_of_it(smtp: Running, alice: User) -> None:
    with working():
        assert give(smtp, "SPAM").code == 550
        wait_for(Refused.objects.exists, what="it is remembered")
    row = Refused.objects.get()
    assert (row.reason, row.subject) == ("spam", "SPAM")
    kinds = [event.kind for event in trace.events_of(row.trace_id)]
    assert kinds[-2:] == ["scan.judged", "mx.refused"]


def test_it_takes_what_is_not_decided_in_time(
    smtp: Running, settings: Settings, alice: User
) -> None:
    settings.SCAN_WAIT_SECONDS = SHORT
    assert give(smtp, "SPAM").code == 250
    assert states() == ["accepted"]
    with working():
        wait_for(lambda: filed(alice, "junk") == 1, what="it is in Junk")


def test_it_looks_by_itself_when_it_hears_nothing(
    smtp: Running, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(offers.Offers, "_heard", lambda *_: None)
    with working():
        assert give(smtp, "SPAM").code == 550


def test_it_takes_others_at_once_when_many_wait(
    smtp: Running, settings: Settings, alice: User
) -> None:
    settings.SCAN_WAIT_MOST = 1
    with smtp.ready() as client:
        begin(client)
        client.send(letter("SPAM") + b".\r\n")
        wait_for(is_offered, what="one waits")
        assert give(smtp, "SPAM").code == 250
        assert sorted(states()) == ["accepted", "offered"]
        with working():
            assert client.reply().code == 550


def test_it_does_not_wait_when_that_is_off(smtp: Running, settings: Settings, alice: User) -> None:
    settings.SCAN_WAIT_SECONDS = 0
    assert give(smtp, "SPAM").code == 250
    assert states() == ["accepted"]


@pytest.mark.parametrize("how", ["reset", "over TLS"])
def test_nothing_is_delivered_of_what_its_client_gives_up(
    smtp: Running, alice: User, how: str
) -> None:
    with smtp.ready() as client:
        if how == "over TLS":
            client.starttls()
            assert client.ask("EHLO outside.invalid").code == 250
        begin(client)
        client.send(letter("Hello") + b".\r\n")
        wait_for(is_offered, what="it waits")
        if how == "reset":
            hang_up(client)
        else:
            client.sock.close()
        wait_for(lambda: states() == ["refused"], what="it is withdrawn")
    (row,) = QueuedMessage.objects.all()
    assert trace.events_of(row.trace_id)[-1].kind == "mx.withdrawn"
    with working():
        assert give(smtp, "Hello").code == 250
    assert filed(alice) == 1


@pytest.mark.parametrize(
    ("subject", "code", "state"), [("Hello", 250, "done"), ("SPAM", 550, "refused")]
)
def test_who_closes_its_own_side_is_told_what_was_decided(
    smtp: Running, alice: User, subject: str, code: int, state: str
) -> None:
    """As `nc -N` does behind the last line of a script (RFC 5321 section 4.1.1.10)."""
    with smtp.ready() as client:
        begin(client)
        client.send(letter(subject) + b".\r\n")
        wait_for(is_offered, what="it waits")
        client.sock.shutdown(socket.SHUT_WR)
        with working():
            assert client.reply().code == code
        assert client.is_closed()
    assert states() == [state]
    assert filed(alice) == (code == 250)


def test_who_closes_its_own_side_at_once_is_told_too(smtp: Running, alice: User) -> None:
    with smtp.ready() as client, working():
        begin(client)
        client.send(letter("SPAM") + b".\r\nMAIL FROM:<carol@outside.invalid>\r\nQUIT\r\n")
        client.sock.shutdown(socket.SHUT_WR)
        assert [answer.code for answer in client.rest()] == [550, 250, 221]


def test_who_closes_its_own_side_waits_no_longer_than_others(
    smtp: Running, settings: Settings, alice: User
) -> None:
    settings.SCAN_WAIT_SECONDS = SHORT
    with smtp.ready() as client:
        begin(client)
        client.send(letter("SPAM") + b".\r\n")
        client.sock.shutdown(socket.SHUT_WR)
        assert client.reply().code == 250
    assert states() == ["accepted"]


def test_it_takes_what_it_waits_for_when_it_stops(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        begin(client)
        client.send(letter("SPAM") + b".\r\n")
        wait_for(is_offered, what="it waits")
        smtp.begin_stop()
        assert client.reply().code == 250
    assert states() == ["accepted"]


def test_it_hears_of_many_at_once(smtp: Running, alice: User) -> None:
    subjects = ["Hello", "SPAM", "JUNK", "VIRUS"] * 6
    with working(), ThreadPoolExecutor(len(subjects)) as pool:
        answers = list(pool.map(lambda subject: give(smtp, subject).code, subjects))
    assert answers == [250, 550, 250, 550] * 6
    assert (filed(alice), filed(alice, "junk")) == (6, 6)


def test_it_waits_no_more_once_no_verdicts_come(
    smtp: Running,
    settings: Settings,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(offers, "VAIN_MOST", 1)
    settings.SCAN_WAIT_SECONDS = SHORT
    with caplog.at_level(logging.WARNING, logger="apps.smtp.offers"):
        assert give(smtp, "Hello").code == 250
    assert "no verdicts come in time" in caplog.text
    settings.SCAN_WAIT_SECONDS = LONG
    for _ in range(5):
        assert give(smtp, "SPAM").code == 250
    assert states() == ["accepted"] * 6
    monkeypatch.setattr(offers, "VAIN_MOST", 2)  # as if the half minute were over
    with working():
        wait_for(lambda: not mailqueue.claim(1), what="the worker is back")
        assert give(smtp, "SPAM").code == 550


def test_it_waits_for_no_worker_that_is_not_there_yet(
    smtp: Running, alice: User, nobody: None, caplog: pytest.LogCaptureFixture
) -> None:
    begun = time.monotonic()
    assert give(smtp, "SPAM").code == 250
    assert time.monotonic() - begun < LONG / 2
    assert states() == ["accepted"]
    with caplog.at_level(logging.INFO, logger="apps.smtp.offers"), working():
        wait_for(lambda: filed(alice, "junk") == 1, what="it is in Junk")
        wait_for(lambda: give(smtp, "SPAM").code == 550, what="they wait as soon as it is there")
    assert caplog.text.count("a worker is there") == 1


async def test_all_who_come_together_hear_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bus may take a moment to say, and is asked once."""
    asked = asyncio.Event()
    answer = asyncio.Event()
    counts: list[object] = []

    async def count(kind: object) -> int:
        counts.append(kind)
        asked.set()
        await answer.wait()
        return 1

    monkeypatch.setattr(bus, "count", count)
    worker = Worker()
    waiting = [asyncio.ensure_future(worker.is_there()) for _ in range(5)]
    await asyncio.wait_for(asked.wait(), 10)
    answer.set()
    assert await asyncio.gather(*waiting) == [True] * 5
    assert counts == [QueueRang]


@pytest.mark.parametrize(("found", "is_there"), [(0, False), (1, True), (None, True)])
async def test_a_bus_that_cannot_say_is_no_sign_of_absence(
    found: int | None, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def count(_: object) -> int | None:
        return found

    monkeypatch.setattr(bus, "count", count)
    assert await Worker().is_there() is is_there


def test_the_door_for_neighbours_waits_for_nobody(lmtp: Running, alice: User) -> None:
    with lmtp.ready("lmtp") as client:
        begin(client)
        assert client.text(letter("SPAM")).code == 250
    assert states() == ["accepted"]


def test_a_trial_is_short_and_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    breaker = Breaker()
    for _ in range(VAIN_MOST):
        assert breaker.seconds(10) == 10
        breaker.end(came=False)
    assert breaker.seconds(10) == 0
    now += BETWEEN_TRIALS
    assert breaker.seconds(10) == TRIAL_SECONDS
    assert breaker.seconds(10) == 0
    breaker.end(came=None)
    assert breaker.seconds(10) == 0
    now += BETWEEN_TRIALS
    assert breaker.seconds(1) == 1
    breaker.end(came=True)
    assert breaker.seconds(10) == breaker.seconds(10) == 10
