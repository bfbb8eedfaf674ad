"""The supervisor with roles that do nothing but live and die."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from apps.ops import supervisor as module
from apps.ops.supervisor import UNUSABLE, Role, Supervisor
from apps.runtime.sockets import DoorError
from tests.support.processes import is_alive
from tests.support.services import wait_for

Run = Callable[[Mapping[str, list[socket.socket]]], int]


class Supervised:
    """A supervisor in a process of its own, watched from outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pid = 0

    def start(self, sockets: Mapping[str, list[socket.socket]] | None = None, **roles: Run) -> None:
        made = [Role(name, run, doors=["smtp"]) for name, run in roles.items()]
        self.pid = os.fork()
        if self.pid == 0:
            status = 99
            try:
                status = Supervisor(made, sockets or {}, folder=self.folder).run()
            finally:
                os._exit(status)

    def role(self, name: str) -> int:
        """The process id of a role that is up, else 0."""
        try:
            return int((self.folder / f"{name}.pid").read_text() or 0)
        except FileNotFoundError:
            return 0

    def wait_for_role(self, name: str, other_than: int = 0) -> int:
        wait_for(lambda: self.role(name) not in {0, other_than}, what=f"{name} is up")
        return self.role(name)

    def end(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    made = Supervised(tmp_path)
    yield made
    if made.pid:
        os.kill(made.pid, signal.SIGKILL)
        made.end()


def _idle(_given: object) -> int:
    while True:
        signal.pause()


def _stubborn(_given: object) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return _idle(_given)


@pytest.mark.parametrize(
    "how", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_it_ends_all_roles_when_told(supervised: Supervised, how: signal.Signals) -> None:
    supervised.start(one=_idle, two=_idle)
    children = [supervised.wait_for_role(name) for name in ("one", "two")]
    os.kill(supervised.pid, how)
    assert supervised.end() == 0
    assert not any(is_alive(pid) for pid in children)
    assert not list(supervised.folder.glob("*.pid"))


def test_it_starts_again_what_dies(supervised: Supervised) -> None:
    supervised.start(one=_idle, two=_idle)
    first, other = supervised.wait_for_role("one"), supervised.wait_for_role("two")
    os.kill(first, signal.SIGKILL)
    assert supervised.wait_for_role("one", other_than=first) != first
    assert supervised.role("two") == other


def test_it_pauses_longer_each_time(supervised: Supervised, tmp_path: Path) -> None:
    """A role that dies at once must not keep the machine busy."""
    deaths = tmp_path / "deaths"

    def die(_given: object) -> int:
        with deaths.open("a") as file:
            file.write(f"{time.monotonic()}\n")
        return 3

    supervised.start(one=die)

    def times() -> list[float]:
        return [float(line) for line in deaths.read_text().split()] if deaths.exists() else []

    wait_for(lambda: len(times()) >= 4, what="it died four times")
    found = times()
    pauses = [after - before for before, after in pairwise(found)]
    assert pauses[0] >= 0.2
    assert pauses[1] >= 0.4
    assert pauses[2] >= 0.8


def test_it_gives_up_when_a_role_cannot_run(
    supervised: Supervised, capfd: pytest.CaptureFixture[str]
) -> None:
    def unusable(_given: object) -> int:
        raise DoorError("SMTP_LISTEN cannot be opened: it is taken.")

    supervised.start(one=_idle, two=unusable)
    assert supervised.end() == 1
    assert capfd.readouterr().err == "mailhost: SMTP_LISTEN cannot be opened: it is taken.\n"
    assert UNUSABLE == 78


def test_it_kills_who_does_not_leave(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.3)
    supervised.start(one=_stubborn)
    child = supervised.wait_for_role("one")
    wait_for(lambda: _ignores(child, signal.SIGTERM), what="it ignores SIGTERM")
    started = time.monotonic()
    os.kill(supervised.pid, signal.SIGTERM)
    assert supervised.end() == 0
    assert 0.3 <= time.monotonic() - started < 5
    assert not is_alive(child)


def test_it_kills_at_once_when_interrupted_twice(supervised: Supervised) -> None:
    supervised.start(one=_stubborn)
    child = supervised.wait_for_role("one")
    wait_for(lambda: _ignores(child, signal.SIGTERM), what="it ignores SIGTERM")
    os.kill(supervised.pid, signal.SIGINT)
    wait_for(lambda: _pending_or_handled(supervised.pid), what="the first is taken")
    os.kill(supervised.pid, signal.SIGINT)
    started = time.monotonic()
    assert supervised.end() == 0
    assert time.monotonic() - started < 10
    assert not is_alive(child)


def _ignores(pid: int, number: signal.Signals) -> bool:
    return bool(_mask(pid, "SigIgn") >> (number - 1) & 1)


def _pending_or_handled(pid: int) -> bool:
    return not _mask(pid, "ShdPnd") >> (signal.SIGINT - 1) & 1


def _mask(pid: int, name: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split(f"{name}:\t")[1].split()[0], 16)


def test_it_takes_its_children_along_when_killed(supervised: Supervised) -> None:
    supervised.start(one=_idle, two=_idle)
    children = [supervised.wait_for_role(name) for name in ("one", "two")]
    os.kill(supervised.pid, signal.SIGKILL)
    supervised.end()
    wait_for(lambda: not any(is_alive(pid) for pid in children), what="the children end")


def test_it_passes_reload_on(supervised: Supervised, tmp_path: Path) -> None:
    def note(_given: object) -> int:
        signal.signal(signal.SIGHUP, lambda *_: (tmp_path / "reloaded").touch())
        (tmp_path / "ready").touch()
        return _idle(_given)

    supervised.start(one=note)
    wait_for((tmp_path / "ready").exists, what="the role is ready")
    os.kill(supervised.pid, signal.SIGHUP)
    wait_for((tmp_path / "reloaded").exists, what="the role has heard")


def test_it_lets_callers_wait_while_a_role_is_away(supervised: Supervised) -> None:
    """The port is the supervisor's: between two lives of a role nobody is refused."""

    def serve(given: Mapping[str, list[socket.socket]]) -> int:
        (listening,) = given["smtp"]
        listening.setblocking(True)
        client, _ = listening.accept()
        client.sendall(b"hello")
        client.close()
        return 1  # serves one and dies

    with socket.create_server(("127.0.0.1", 0)) as listening:
        where = listening.getsockname()
        supervised.start({"smtp": [listening]}, one=serve)
        for _ in range(3):
            with socket.create_connection(where, timeout=10) as client:
                assert client.recv(10) == b"hello"


def test_it_gives_a_role_only_its_own_sockets(supervised: Supervised, tmp_path: Path) -> None:
    def report(given: Mapping[str, list[socket.socket]]) -> int:
        links = [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.exists()]
        (tmp_path / "report.tmp").write_text("\n".join([*given, *links]))
        (tmp_path / "report.tmp").rename(tmp_path / "report")
        return _idle(given)

    with (
        socket.create_server(("127.0.0.1", 0)) as smtp,
        socket.create_server(("127.0.0.1", 0)) as web,
    ):
        inodes = {
            name: os.fstat(one.fileno()).st_ino for name, one in (("smtp", smtp), ("web", web))
        }
        supervised.start({"smtp": [smtp], "web": [web]}, one=report)
        wait_for((tmp_path / "report").exists, what="the role has reported")
        held = (tmp_path / "report").read_text().splitlines()
    assert held[0] == "smtp"
    assert f"socket:[{inodes['smtp']}]" in held
    assert f"socket:[{inodes['web']}]" not in held
