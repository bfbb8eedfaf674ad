"""Unix datagrams: never a wait, never a loss while a hearer lives, nothing left of the dead."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from apps.events.backends import inbox as bounds
from apps.events.backends.local import LocalBus
from apps.events.types import Event, EventsMissed, MailboxChanged, QueueRang, UserChanged
from tests.support.services import wait_for

KINDS: set[type[Event]] = {MailboxChanged, UserChanged}


def test_it_never_waits_for_a_hearer_and_loses_nothing(tmp_path: Path) -> None:
    """The kernel holds 10 datagrams; the hearer reads none until thousands have been published."""
    bus = LocalBus(tmp_path / "events")
    with bus.listen(KINDS) as inbox:
        started = time.monotonic()
        for number in range(3000):
            bus.send([MailboxChanged(number % 50, number)])
        assert time.monotonic() - started < 5
        newest: dict[int, int] = {}

        def has_all() -> bool:
            for event in inbox.read(0.1):
                assert isinstance(event, MailboxChanged)
                newest[event.mailbox_id] = event.modseq
            return newest == {number % 50: number for number in range(2950, 3000)}

        wait_for(has_all, what="the newest of each mailbox has come")
    bus.close()


def test_it_removes_what_a_killed_process_left(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    bus = LocalBus(folder)
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        inbox = bus.listen({QueueRang})
        os.write(tell, b"x")
        signal.pause()
        inbox.wait(0)  # it is held open until the process is killed
    os.read(ready, 1)
    assert bus.send([QueueRang()]) == 1
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert len(list(folder.iterdir())) == 1
    assert bus.send([QueueRang()]) == 0
    assert list(folder.iterdir()) == []
    bus.close()


async def test_it_counts_the_living(tmp_path: Path) -> None:
    bus = LocalBus(tmp_path / "events")
    assert await bus.count(QueueRang) == 0
    with bus.listen({QueueRang}), bus.listen({QueueRang, UserChanged}), bus.listen({UserChanged}):
        assert await bus.count(QueueRang) == 2
        for _ in range(20):  # one that reads nothing is there all the same
            bus.send([QueueRang()])
        assert await bus.count(QueueRang) == 2
    assert await bus.count(QueueRang) == 0
    bus.close()


async def test_it_counts_nobody_whose_process_was_killed(tmp_path: Path) -> None:
    bus = LocalBus(tmp_path / "events")
    inbox = bus.listen({QueueRang})
    assert await bus.count(QueueRang) == 1
    inbox._socket.close()  # as the kernel does; the file stays
    assert await bus.count(QueueRang) == 0
    assert list((tmp_path / "events").iterdir()) == []
    bus.close()


def test_it_finds_a_hearer_that_has_just_come(tmp_path: Path) -> None:
    """A folder's time of change is coarse: many come and go within one tick of it."""
    bus = LocalBus(tmp_path / "events")
    for _ in range(50):
        with bus.listen({QueueRang}):
            assert bus.send([QueueRang()]) == 1
        assert bus.send([QueueRang()]) == 0
    bus.close()


def test_it_keeps_a_paused_hearer_within_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_PENDING", 100)
    bus = LocalBus(tmp_path / "events")
    with bus.listen(KINDS) as inbox:
        for number in range(1000):
            bus.send([MailboxChanged(number, 1)])
        seen: set[Event] = set()

        def is_told() -> bool:
            seen.update(inbox.read(0.1))
            return EventsMissed() in seen

        wait_for(is_told, what="the hearer is told to look at everything")
    bus.close()


def test_it_gets_along_without_anybody(tmp_path: Path) -> None:
    bus = LocalBus(tmp_path / "never made")
    assert bus.send([QueueRang()]) == 0
    assert not (tmp_path / "never made").exists()


def test_it_fits_any_folder_into_a_socket_address(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    bus = LocalBus(deep)
    with bus.listen({QueueRang}) as inbox:
        assert bus.send([QueueRang()]) == 1
        assert inbox.wait(20)
    assert list(deep.iterdir()) == []
    bus.close()


def test_it_keeps_strangers_out(tmp_path: Path) -> None:
    bus = LocalBus(tmp_path / "run" / "events")
    with bus.listen({QueueRang}):
        folder = tmp_path / "run" / "events"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [file.stat().st_mode & 0o777 for file in folder.iterdir()] == [0o600]


def test_it_ignores_what_is_no_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = LocalBus(tmp_path / "events")
    with bus.listen({QueueRang}) as inbox:
        (file,) = (tmp_path / "events").iterdir()
        monkeypatch.chdir(file.parent)  # a path of a socket has 107 octets at the most
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"\xff garbage", file.name)
            stranger.sendto(b'[["MailboxChanged", 1, 1]]', file.name)
        assert not inbox.wait(0.05)
    bus.close()
