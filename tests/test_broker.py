"""The embedded broker: messages appear whole, are taken once, and a bad one harms nobody."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection
from packaging.requirements import Requirement

from mailhost.broker import Channel
from mailhost.celery import app

Connect = Callable[[], Channel]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "queue").mkdir()
    return tmp_path / "queue"


@pytest.fixture
def connect(folder: Path) -> Iterator[Connect]:
    connections = []

    def channel() -> Channel:
        connection = Connection(
            "filesystem://",
            transport="mailhost.broker:Transport",
            transport_options={"data_folder_in": str(folder), "data_folder_out": str(folder)},
        )
        connections.append(connection)
        made = connection.channel()
        assert isinstance(made, Channel)
        return made

    yield channel
    for connection in connections:
        connection.close()


def test_it_is_what_celery_uses_without_redis() -> None:
    expected = None if app.conf.broker_url.startswith("redis") else "mailhost.broker:Transport"
    assert app.conf.broker_transport == expected


def test_it_lets_a_worker_look_soon_whether_it_is_to_stop(connect: Connect) -> None:
    connection = connect().connection.client
    assert connection is not None
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        connection.drain_events(timeout=60)
    assert time.monotonic() - started < 10  # a quarter of a second, on a quiet machine


def test_it_hands_messages_over_in_order(connect: Connect, folder: Path) -> None:
    sender, receiver = connect(), connect()
    for number in range(3):
        sender._put("mail", {"number": number})
    assert [receiver._get("mail")["number"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Empty):
        receiver._get("mail")
    assert list(folder.iterdir()) == []


def test_it_keeps_the_order_when_the_clock_gets_a_digit_more(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = connect()
    for now in (99, 100, 999, 1000):
        monkeypatch.setattr("mailhost.broker.time.monotonic_ns", lambda now=now: now)
        channel._put("mail", {"at": now})
    assert [channel._get("mail")["at"] for _ in range(4)] == [99, 100, 999, 1000]


def test_it_leaves_other_queues_alone(connect: Connect) -> None:
    channel = connect()
    channel._put("scan", {})
    with pytest.raises(Empty):
        channel._get("mail")
    assert channel._get("scan") == {}


def test_it_does_not_see_a_message_that_is_still_being_written(
    connect: Connect, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = connect()
    seen = []
    rename = Path.rename

    def look_then_rename(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        seen.append(self.read_text())
        with pytest.raises(Empty):
            channel._get("mail")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", look_then_rename)
    channel._put("mail", {"whole": True})
    assert seen == ['{"whole": true}']
    assert channel._get("mail") == {"whole": True}


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100])
def test_it_drops_what_cannot_be_read(connect: Connect, folder: Path, text: bytes) -> None:
    (folder / f"{1:020}_x.mail.msg").write_bytes(text)  # before the good one
    channel = connect()
    channel._put("mail", {"good": True})
    assert channel._get("mail") == {"good": True}
    assert list(folder.iterdir()) == []


def test_it_gives_each_message_to_one_of_many_workers(connect: Connect) -> None:
    count = 300
    channels = [connect() for _ in range(4)]

    def send(channel: Channel) -> None:
        for number in range(count):
            channel._put("mail", {"from": id(channel), "number": number})

    def take_all(channel: Channel) -> list[tuple[int, int]]:
        taken: list[tuple[int, int]] = []
        while True:
            try:
                message = channel._get("mail")
            except Empty:
                return taken
            taken.append((message["from"], message["number"]))

    with ThreadPoolExecutor(4) as pool:
        sending = [pool.submit(send, channel) for channel in channels[:2]]
        taken: list[tuple[int, int]] = []
        while not all(one.done() for one in sending):
            for got in pool.map(take_all, channels[2:]):
                taken += got
        taken += take_all(channels[2])
    expected = {(id(channel), number) for channel in channels[:2] for number in range(count)}
    assert len(taken) == len(expected)
    assert set(taken) == expected


def test_it_passes_over_a_message_that_somebody_else_took(
    connect: Connect, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = connect()
    monkeypatch.setattr(Path, "iterdir", lambda self: iter([self / "1_gone.mail.msg"]))
    with pytest.raises(Empty):
        channel._get("mail")


REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"
# What is imported by its name only, once REDIS_URL says so.
IMPORTS = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in sys.argv[1:]:
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Missing())
import kombu.transport.redis
import celery.apps.worker
import django.core.cache.backends.redis
import redis.asyncio
"""


def installed() -> set[str]:
    """The distributions that a service without what tests need has."""
    lines = REQUIREMENTS.read_text().splitlines()
    left = [(Requirement(line), "") for line in lines if re.match(r"[A-Za-z]", line)]
    seen = set()
    while left:
        wanted, extra = left.pop()
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
            continue
        for asked in {"", *wanted.extras}:
            name = re.sub(r"[-_.]+", "-", wanted.name).lower()
            if (name, asked) not in seen:
                seen.add((name, asked))
                left += [(Requirement(one), asked) for one in metadata.requires(name) or ()]
    return {name for name, _ in seen}


def test_redis_needs_nothing_that_only_tests_install() -> None:
    there = installed()
    missing = [
        module
        for module, providers in metadata.packages_distributions().items()
        if not there & {re.sub(r"[-_.]+", "-", one).lower() for one in providers}
    ]
    assert "pytest" in missing
    subprocess.run([sys.executable, "-c", IMPORTS, *missing], check=True, timeout=60)
