"""One process for each role of a data folder."""

import os
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.ops import locks


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.MAILHOST_DATA = tmp_path


def test_it_refuses_a_second_holder_and_names_the_first() -> None:
    held = locks.hold(["web", "worker"])
    with pytest.raises(locks.RunningError, match=rf"already runs .*\(process {os.getpid()}\)"):
        locks.hold(["listeners", "worker"])
    others = locks.hold(["listeners"])  # what was taken before the refusal was given back
    locks.release([*held, *others])
    locks.release(locks.hold(["web", "worker", "listeners"]))


def test_it_is_free_when_the_holder_was_killed() -> None:
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        locks.hold(["web"])
        os.write(tell, b"x")
        os.kill(os.getpid(), 9)
    os.read(ready, 1)
    os.waitpid(pid, 0)
    locks.release(locks.hold(["web"]))


def test_it_keeps_its_files_private(tmp_path: Path) -> None:
    locks.release(locks.hold(["web"]))
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "run" / "web.lock").stat().st_mode & 0o777 == 0o600
