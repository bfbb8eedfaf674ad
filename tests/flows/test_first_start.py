"""The first start: `manage.py serve` in an empty folder, and on Postgres with an empty database."""

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.installation import Installation, _descendants, _listens, installation
from tests.support.processes import is_alive


@pytest.fixture
def nothing(tmp_path: Path) -> Iterator[Installation]:
    """An installation that has no database yet."""
    with installation(tmp_path, start=False, from_nothing=True) as made:
        made.environment.pop("SECRET_KEY", None)  # it makes its own, as on a real machine
        yield made


def _too_early(service: Installation) -> str:
    """A command that is run as soon as `serve` has begun: its tables are not made yet."""
    lock = Path(service.environment["MAILHOST_DATA"]) / "run" / "listeners.lock"
    service.wait_for(lambda: lock.exists() and lock.read_text(), 30, "serve does not begin")
    return service.manage("domain", "list", "--json")


def _processor_seconds(service: Installation) -> float:
    """What all its processes together have worked so far, and those that they waited for."""
    assert service.process is not None
    ticks = 0
    for pid in (service.process.pid, *_descendants(service.process.pid)):
        with suppress(OSError):  # it has ended meanwhile, and counts for who waited for it
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def test_it_starts_from_nothing_and_stops_clean(nothing: Installation) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(_too_early, nothing)
        nothing.start()
        assert answer.result(150) == "[]\n"
    assert nothing.process is not None
    said = nothing.tail()
    for door in ("smtp", "submission", "submissions", "lmtp", "imap", "imaps"):
        assert f" 127.0.0.1:{nothing.ports[door.upper()]} " in said
    assert f"https://localhost:{nothing.ports['WEB']}/setup/" in said
    data = Path(nothing.environment["MAILHOST_DATA"])
    nothing.wait_for(lambda: len(nothing.children()) == 6, 60, "not all roles are up")
    children = _descendants(nothing.process.pid)

    started = time.monotonic()
    assert nothing.stop() == 0
    assert time.monotonic() - started < 30
    nothing.wait_for(lambda: not any(map(is_alive, children)), 10, "a process is left")
    assert not any(_listens(port) for port in nothing.ports.values())

    nothing.start()
    # 5 s is the promise for a quiet machine of two processors; on this one other tests run.
    assert _processor_seconds(nothing) < 10
    loose = [
        file
        for file in (data, *data.rglob("*"))
        if file.lstat().st_mode & 0o077 and not file.is_socket()
    ]
    assert loose == []
    for line in nothing.log.read_text().splitlines():
        if line.startswith("{"):
            assert json.loads(line)["level"] in {"info", "warning"}, line
