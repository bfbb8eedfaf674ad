"""The test command itself: skips fail it, the deadline ends it, and its servers leave nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import run
from tests.support import services, units

SKIPPING = {
    "skip": "import pytest\ndef test_a(): pytest.skip('later')",
    "mark": "import pytest\n@pytest.mark.skip\ndef test_a(): pass",
    "module": "import pytest\npytest.importorskip('no_such_module')",
    "xfail": "import pytest\n@pytest.mark.xfail\ndef test_a(): assert False",
}
PASSING = "def test_a(): pass"


def _pytest_status(folder: Path, text: str) -> int:
    """Run pytest with our plugin on one small file, without the project's configuration."""
    (folder / "test_small.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:django", "-p", "no:cacheprovider"]
    command += ["-p", "tests.support.laws", "test_small.py"]
    paths = {"PYTHONPATH": str(run.ROOT)}
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **paths}, capture_output=True, check=False
    ).returncode


@pytest.mark.parametrize("how", SKIPPING)
def test_it_fails_a_run_with_a_skipped_test(tmp_path: Path, how: str) -> None:
    assert _pytest_status(tmp_path, SKIPPING[how]) == 1


def test_it_passes_a_run_without_skips(tmp_path: Path) -> None:
    assert _pytest_status(tmp_path, PASSING) == 0


def test_it_ends_a_run_at_the_deadline_with_all_that_it_started(tmp_path: Path) -> None:
    script = f"sleep 600 & echo $! > {tmp_path}/pid; wait"
    assert run.bounded(["sh", "-c", script], {}, time.time() + 0.5) == 1
    child = int((tmp_path / "pid").read_text())
    services.wait_for(lambda: not _is_running(child), what="the run's own child is gone")


def test_it_hands_on_the_exit_status_of_a_run() -> None:
    assert run.bounded(["sh", "-c", "exit 5"], {}, time.time() + 60) == 5


def _is_running(pid: int) -> bool:
    try:
        # The third field is the state; a zombie that nobody has reaped yet runs no more.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_keeps_a_developers_settings_out_of_the_passes() -> None:
    assert {"DATABASE_URL", "REDIS_URL", "BLOB_URL", "MAILHOST_DATA"} <= run.SETTINGS


def test_it_stops_a_paused_server_and_removes_its_folder() -> None:
    with services.redis() as server:
        folder = Path(f"/proc/{server.process.pid}/cwd").resolve()
        assert folder.exists()
        server.process.send_signal(signal.SIGSTOP)
    assert server.process.poll() is not None
    assert not folder.exists()


def test_it_tells_what_it_waited_for() -> None:
    with pytest.raises(services.ServiceError, match="the moon is full"):
        services.wait_for(lambda: False, timeout=0.01, what="the moon is full")


def test_it_leaves_out_what_there_is() -> None:
    left_out = (*units.PURE, *run.TWICE_IN_LONG)
    assert [path for path in left_out if not (run.ROOT / path).exists()] == []
    assert "tests/wire" in units.PURE
    assert len(set(left_out)) == len(left_out)


def test_each_pass_leaves_out_what_another_does() -> None:
    named = [test for tests in run.ONCE.values() for test in tests]
    assert len(set(named)) == len(named)
    for test in named:
        path, _, name = test.partition("::")
        assert f"def {name}(" in (run.ROOT / path).read_text()


def test_it_fails_a_pure_test_that_asks_for_a_database(tmp_path: Path) -> None:
    (tmp_path / "tests/wire").mkdir(parents=True)
    asking = "import pytest\n@pytest.fixture\ndef db(): pass\ndef test_a(db): pass"
    (tmp_path / "tests/wire/test_small.py").write_text(asking)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:django", "-p", "tests.support.units", "."]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(run.ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "tests/pure.txt says" in done.stdout


def test_it_deals_out_what_waits_among_what_computes() -> None:
    computing = [f"tests/imap/test_{number}.py" for number in range(6)]
    waiting = [f"tests/flows/test_{number}.py" for number in range(3)]
    dealt = units.dealt([*computing, *waiting, "tests/clients/0"])
    assert dealt[:3] == ["tests/clients/0", computing[0], waiting[0]]
    folders = ["tests/browser/0", "tests/browser/1", "tests/clients/0"]
    assert units.dealt([*computing, *reversed(folders)])[:3] == folders
    assert [name for name in dealt if name in computing] == computing
    assert [name for name in dealt if name in waiting] == waiting
    assert not set(dealt[-2:]) & set(waiting)
    assert units.dealt(waiting) == waiting
    assert units.unit("tests/clients/test_mutt.py::test_a[::]") == "tests/clients/0"
    assert units.unit("tests/browser/test_acts.py::test_a[::]") == "tests/browser/0"
    assert units.unit("tests/browser/test_shell.py::test_a") == "tests/browser/1"
    assert units.unit("tests/flows/test_mail.py::test_a[::]") == "tests/flows/test_mail.py"


def test_it_takes_a_few_of_each_table() -> None:
    cases = [f"tests/imap/test_a.py::test_b[{number}]" for number in range(9)]
    others = ["tests/imap/test_a.py::test_c", "tests/imap/test_a.py::test_d[only]"]
    more = [f"tests/search/test_races.py::test_e[{number}]" for number in range(19)]
    kept = units.few([*cases, *others, *more], 3)
    assert kept == [cases[0], cases[4], cases[8], *others, *more[::6]]


def test_what_is_not_few_is_there() -> None:
    assert [path for path in units.MORE if not (run.ROOT / path).exists()] == []
