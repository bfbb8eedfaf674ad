"""The worker's side of the cage: whatever happens to the server, there is an answer."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.scan.attachments.cage import Cage
from apps.scan.attachments.caged import look_at
from tests.scan.attachments import packers
from tests.scan.attachments.made import EICAR, mail, zipped

FILES = {"eicar.com": EICAR, "notes.txt": b"hello " * 99}
RAW = mail("a.zip", zipped({"eicar.com": EICAR}))


@pytest.fixture
def cage() -> Iterator[Cage]:
    made = Cage()
    yield made
    made.close()


def test_it_finds_what_is_found_outside(cage: Cage) -> None:
    assert cage.look(RAW) == look_at(RAW)


@pytest.mark.parametrize(
    "made",
    [
        packers.rar_4(FILES),
        packers.rar_5(FILES),
        packers.lzh(FILES),
        packers.cab_lzx("eicar.com", EICAR),
        packers.lz4(EICAR),
        mail("brief.txt", "Grüße".encode("cp500"), 'text/plain; charset="cp500"'),
    ],
)
def test_it_takes_from_no_reader_what_that_needs(made: bytes, cage: Cage) -> None:
    """Libraries of the system, and modules that are loaded late."""
    raw = mail("a.bin", made)
    assert cage.look(raw) == look_at(raw)


def test_it_works_in_a_folder_in_which_nothing_can_be(cage: Cage) -> None:
    cage.look(RAW)
    assert str(Path(f"/proc/{cage.pid}/cwd").readlink()).endswith(" (deleted)")


def test_it_keeps_its_server(cage: Cage) -> None:
    cage.look(RAW)
    pid = cage.pid
    cage.look(RAW)
    assert pid is not None
    assert cage.pid == pid


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_it_starts_another_server_when_one_is_gone(cage: Cage, number: signal.Signals) -> None:
    cage.look(RAW)
    first = cage.pid
    assert first is not None
    os.kill(first, number)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert cage.look(RAW) == look_at(RAW)
    assert cage.pid != first


def test_it_outlives_an_interrupt_of_its_worker(cage: Cage) -> None:
    cage.look(RAW)
    first = cage.pid
    assert first is not None
    os.kill(first, signal.SIGTERM)
    assert cage.look(RAW) == look_at(RAW)
    assert cage.pid == first


def test_it_ends_with_its_worker(cage: Cage) -> None:
    cage.look(RAW)
    process = cage._process
    assert process is not None
    assert cage._socket is not None
    cage._socket.close()
    assert process.wait(timeout=10) == 0


def test_it_shows_its_server_no_setting_and_no_secret(
    cage: Cage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "hidden")
    cage.look(RAW)
    environment = Path(f"/proc/{cage.pid}/environ").read_bytes()
    assert environment.split(b"\0") == [b"LANG=C.UTF-8", b""]


def test_it_has_no_network_where_that_can_be(cage: Cage) -> None:
    cage.look(RAW)
    probe = "from apps.scan.attachments.walls import leave_network; print(leave_network())"
    can_be = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True).stdout
    is_elsewhere = (
        Path(f"/proc/{cage.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
    )
    assert is_elsewhere is (can_be == b"True\n")


def test_it_shares_no_server_with_a_fork(cage: Cage) -> None:
    cage.look(RAW)
    first = cage.pid
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        facts = cage.look(RAW)
        other = cage.pid
        cage.close()
        os.write(writing, b"same" if other == first else b"other" if facts else b"nothing")
        os._exit(0)
    os.close(writing)
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(reading, 16) == b"other"
    os.close(reading)
    # The parent's goes on as if nothing had been.
    assert cage.look(RAW) == look_at(RAW)
    assert cage.pid == first


def test_it_says_when_no_server_can_be_started(cage: Cage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    assert "cannot be started" in cage.look(RAW)["failed"]


def test_it_waits_no_longer_than_it_may(cage: Cage) -> None:
    cage.look(RAW)
    assert cage.pid is not None
    assert cage._socket is not None
    cage._socket.settimeout(0.3)
    os.kill(cage.pid, signal.SIGSTOP)
    assert cage.look(RAW) == {"failed": "it took too long"}
    assert cage.pid is None
