"""scripts/bootstrap.sh on machines that lack something: one sentence, or one installation.

The machine is a folder of small scripts that stand in PATH before the real programs: a Python that
writes down what it is asked for, an `id` that is nobody special, a `dpkg-query` that knows nothing.
The real thing, on a bare Debian, is what a fresh machine shows.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("scripts", "constraints.txt", "requirements.txt", "requirements-dev.txt")

PYTHON = """#!/bin/bash
echo "$*" >>"{log}"
case "$*" in
-V) echo "Python 3.11.2" ;;
"-c import ensurepip, venv") exit {has_venv} ;;
*libarchive*) exit {has_library} ;;
"-m venv .venv")
    mkdir -p .venv/bin && cp "$0" .venv/bin/python
    echo "#!$PWD/.venv/bin/python" >.venv/bin/pip ;;
*"config list") echo "global.index-url='nowhere'" ;;
esac
"""


class Machine:
    """A copy of the project's root and a PATH whose first programs are stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.programs = folder / "programs"
        self.log = folder / "log"
        self.project.mkdir()
        self.programs.mkdir()
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, self.project / part)
        self.has("id", "#!/bin/sh\necho 1000\n")
        self.has("apt-get", "#!/bin/sh\necho 'apt-get was called'\nexit 1\n")
        self.has_python()

    def has(self, name: str, text: str) -> None:
        """Put a program into PATH."""
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def has_python(self, *, has_venv: bool = True, has_library: bool = True) -> None:
        """Put a Python into PATH, with or without its venv module, or libarchive for it to find."""
        answers = {"has_venv": int(not has_venv), "has_library": int(not has_library)}
        self.has("python3", PYTHON.format(log=self.log, **answers))

    def bootstrap(self, level: str) -> subprocess.CompletedProcess[str]:
        """Run the script as somebody would."""
        environment = {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"}
        environment.pop("PYTHON", None)
        command = [str(self.project / "scripts" / "bootstrap.sh"), level]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    def calls(self) -> list[str]:
        """What Python was asked for since the last time, the questions for its version left out."""
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return [line for line in lines if line != "-V"]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_it_says_in_one_sentence_that_the_venv_module_is_missing(machine: Machine) -> None:
    machine.has_python(has_venv=False)
    done = machine.bootstrap("run")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "Python's venv module is missing; install it with: sudo apt-get install python3-venv\n"
    )


def test_it_says_in_one_sentence_which_packages_the_tests_miss(machine: Machine) -> None:
    machine.has("dpkg-query", "#!/bin/sh\necho 'installed curl'\necho 'config-files strace'\n")
    done = machine.bootstrap("dev")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(
        "Some Debian packages are missing; install them with: sudo apt-get install 7zip arj"
        " bogofilter chromium "
    )
    assert " strace " in done.stderr
    assert " curl " not in done.stderr


def test_it_installs_once(machine: Machine) -> None:
    first = machine.bootstrap("run")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "Making .venv\nInstalling Python packages from requirements.txt\n"
    assert "-m pip --disable-pip-version-check install -q -r requirements.txt" in machine.calls()
    second = machine.bootstrap("run")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert machine.calls() == []


def test_it_says_once_how_to_have_rar_archives_opened(machine: Machine) -> None:
    machine.has_python(has_library=False)
    first = machine.bootstrap("run")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.endswith("on Debian with: sudo apt-get install libarchive13\n")
    assert machine.bootstrap("run").stdout == ""


def test_it_goes_on_without_what_it_can_do_without(machine: Machine) -> None:
    machine.has("id", "#!/bin/sh\necho 0\n")
    machine.has_python(has_library=False)
    done = machine.bootstrap("run")
    assert done.returncode == 0
    assert "Installing Debian packages: libarchive13\n" in done.stdout
    assert done.stdout.endswith("Going on without it: packed rar archives will not be opened.\n")


@pytest.mark.parametrize("name", ["requirements.txt", "constraints.txt"])
def test_it_installs_again_when_a_pin_has_moved(machine: Machine, name: str) -> None:
    machine.bootstrap("run")
    with (machine.project / name).open("a") as file:
        file.write("# moved\n")
    assert machine.bootstrap("run").stdout == "Installing Python packages from requirements.txt\n"


def test_it_makes_a_new_environment_when_the_folder_has_moved(machine: Machine) -> None:
    machine.bootstrap("run")
    machine.project = machine.project.rename(machine.project.with_name("moved"))
    assert machine.bootstrap("run").stdout.startswith("Making .venv\n")


def test_it_does_not_take_a_failed_installation_for_done(machine: Machine) -> None:
    broken = PYTHON.format(log=machine.log, has_venv=0, has_library=0).replace(
        "esac", '*"install -q -r"*) echo "no such version" >&2; exit 1 ;;\nesac'
    )
    machine.has("python3", broken)
    for _ in range(2):
        done = machine.bootstrap("run")
        assert done.returncode == 1
        assert "no such version" in done.stderr
