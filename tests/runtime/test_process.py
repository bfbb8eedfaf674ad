"""What a process asks of the kernel about itself."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.runtime import process
from tests.support.processes import is_alive
from tests.support.services import wait_for


def _fork(run: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        run()
        signal.pause()
    finally:
        os._exit(0)


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def test_it_lets_no_thread_compute_for_long_beside_a_loop() -> None:
    before = sys.getswitchinterval()
    try:
        process.share_interpreter()
        assert sys.getswitchinterval() == pytest.approx(0.000_5)
    finally:
        sys.setswitchinterval(before)


def test_it_names_a_process() -> None:
    pid = _fork(lambda: process.name_process("mh-listeners"))
    wait_for(lambda: _name(pid) == "mh-listeners", what="the name is there")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("how", ["kernel", "thread"])
def test_it_ends_a_child_whose_parent_was_killed(tmp_path: Path, how: str) -> None:
    note = tmp_path / "child"

    def be_parent() -> None:
        me = os.getpid()

        def be_child() -> None:
            if how == "kernel":
                process.die_with_parent(me)
            else:
                process.watch_parent(me)
            note.with_suffix(".tmp").write_text(str(os.getpid()))
            note.with_suffix(".tmp").rename(note)

        _fork(be_child)

    parent = _fork(be_parent)
    wait_for(note.exists, what="the child is up")
    child = int(note.read_text())
    assert is_alive(child)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    wait_for(lambda: not is_alive(child), what="the child ends")


def test_it_ends_at_once_when_the_parent_is_gone_already() -> None:
    pid = _fork(lambda: process.die_with_parent(parent=1))
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM


def test_it_ends_soon_when_the_parent_is_gone_already() -> None:
    pid = _fork(lambda: process.watch_parent(parent=1))
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 1


def test_it_refuses_to_become_nobody_known() -> None:
    with pytest.raises(LookupError, match="no-such-user"):
        process.become("no-such-user", [])


def test_it_gives_up_root_for_good(tmp_path: Path) -> None:
    """Only root can; for anybody else, becoming somebody is refused by the kernel."""
    reader, writer = os.pipe()
    mine = tmp_path / "mine"
    mine.touch()

    def become() -> None:
        try:
            process.become("nobody", [mine, tmp_path / "missing"])
            try:
                os.setuid(0)
                said = "root again"
            except PermissionError:
                said = f"became {os.getuid()}"
        except PermissionError:
            said = "refused"
        os.write(writer, said.encode())
        os._exit(0)

    os.waitpid(_fork(become), 0)
    said = os.read(reader, 100).decode()
    if os.geteuid() == 0:
        assert said == f"became {mine.stat().st_uid}" != "became 0"
    else:
        assert said == "refused"
