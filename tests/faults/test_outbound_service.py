"""A whole service that sends: its broker forgets, its sender is killed, its database restarts."""

import os
import shutil
import signal
import smtplib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
import redis

from tests.faults.senders import way_to
from tests.support import services
from tests.support.installation import PASSWORD, Installation, installation
from tests.support.outgoing import Outside, outside
from tests.support.turns import stop

ALICE = "alice@example.test"
SWEEP_SECONDS = 60
DOMAINS = [f"d{number}.test" for number in range(4)]


@pytest.fixture
def world() -> Iterator[Outside]:
    with outside() as made:
        for domain in DOMAINS:
            made.domain(domain)
        yield made


def settings(world: Outside, **more: str) -> dict[str, str]:
    limits = ("MESSAGES_PER_HOUR", "MESSAGES_PER_DAY", "RECIPIENTS_PER_HOUR", "RECIPIENTS_PER_DAY")
    return {**way_to(world), **{f"SEND_{limit}": "0" for limit in limits}, **more}


def submit(service: Installation, count: int, first: int = 0) -> set[str]:
    """Send so many messages as Alice, to all domains; whom they are for."""
    people = [f"user{n}@{DOMAINS[n % len(DOMAINS)]}" for n in range(first, first + count)]
    with service.smtp("SUBMISSIONS") as client:
        client.login(ALICE, PASSWORD)
        for one in people:
            text = f"From: {ALICE}\r\nTo: {one}\r\nSubject: number {one}\r\n\r\nHello.\r\n"
            client.sendmail(ALICE, [one], text.encode())
    return set(people)


def copies(world: Outside) -> Counter[str]:
    messages = [one for sink in world.sinks.values() for one in sink.messages]
    return Counter(to for one in messages for to in one.recipients)


def has_more(world: Outside, than: int) -> bool:
    return len(copies(world)) > than


def forget_all_bells(service: Installation) -> None:
    """What the broker holds is lost, as by FLUSHALL."""
    url = service.environment.get("REDIS_URL")
    if url:
        with redis.Redis.from_url(url) as client:
            client.flushdb()
        return
    for folder in (service.data / "var" / "broker").iterdir():
        shutil.rmtree(folder)
        folder.mkdir(mode=0o700)


def signal_workers(service: Installation, how: signal.Signals) -> None:
    for pid in workers(service):
        os.kill(pid, how)


def workers(service: Installation) -> list[int]:
    """Of the queues through which mail goes."""
    return [pid for name, pid in service.children().items() if name in ("worker", "outbound")]


def test_it_sends_within_one_sweep_when_the_broker_forgot(world: Outside, tmp_path: Path) -> None:
    with installation(tmp_path, settings(world)) as service:
        service.add_people(ALICE)
        service.wait_for(
            lambda: {"worker", "outbound"} <= set(service.children()), 30, "no workers"
        )
        stop(service, workers(service))
        people = submit(service, 100)
        forget_all_bells(service)
        signal_workers(service, signal.SIGCONT)
        service.wait_for(
            lambda: set(copies(world)) == people, SWEEP_SECONDS, "some of it does not leave"
        )
        service.wait_for_empty_queue(60, "the queue does not empty")
    assert set(copies(world).values()) == {1}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_it_loses_nothing_when_its_sender_is_killed(world: Outside, tmp_path: Path) -> None:
    kills = 5
    with installation(tmp_path, settings(world, OUT_CONNECTIONS_PER_DESTINATION="2")) as service:
        service.add_people(ALICE)
        people: set[str] = set()
        for round_number in range(kills):
            before = len(copies(world))
            people |= submit(service, 100, 100 * round_number)
            service.wait_for(partial(has_more, world, before), 30, "nothing leaves")
            # What it had sent before it was killed may be counted before it is there again.
            service.wait_for(lambda: "outbound" in service.children(), 30, "no sender")
            os.kill(service.children()["outbound"], signal.SIGKILL)
        service.wait_for_empty_queue(300, "the queue does not empty")
    found = copies(world)
    assert set(found) == people
    # At most one message on each connection that was open: two for each domain.
    assert sum(found.values()) - len(people) <= kills * 2 * len(DOMAINS)
    assert max(found.values()) <= 2


@pytest.mark.long
@pytest.mark.timeout(600)
def test_it_loses_nothing_when_the_database_restarts(world: Outside, tmp_path: Path) -> None:
    with (
        services.postgres() as database,
        installation(tmp_path, settings(world, DATABASE_URL=database.url)) as service,
    ):
        service.add_people(ALICE)
        people = submit(service, 100)
        service.wait_for(lambda: len(copies(world)) > 20, 30, "nothing leaves")
        _crash(database)
        service.wait_for(lambda: _can_submit(service), 60, "the doors stay shut")
        people |= submit(service, 50, 1_000)
        service.wait_for(lambda: people <= set(copies(world)), 180, "some of it does not leave")
        service.wait_for_empty_queue(60, "the queue does not empty")
    found = copies(world)
    assert max(found[one] for one in people) <= 2
    # What left while the record could not be written is recorded afterwards.
    assert sum(found[one] for one in people) - len(people) <= 20


def _crash(database: services.Server) -> None:
    """Kill one server process: Postgres ends all others, recovers, and starts anew."""
    with psycopg.connect(database.url, autocommit=True) as client:
        (pid,) = client.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")


def _can_submit(service: Installation) -> bool:
    try:
        submit(service, 1, 9_999)
    except (OSError, smtplib.SMTPException):
        return False
    return True
