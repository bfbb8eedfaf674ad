"""What the kernel takes from the process that opens files: tried from inside, by children.

Where a kernel has no such wall, the wall says that it does not stand, and nothing else happens.
"""

import os
import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.scan.attachments import caged, walls

DEEDS: dict[str, Callable[[Path], object]] = {
    "start a process": lambda _: os.fork(),
    "start a program": lambda _: os.execv("/bin/true", ["true"]),
    "end another process": lambda _: os.kill(os.getppid(), 0),
    "write a file": lambda file: file.write_bytes(b"x"),
    "write to a file that is there": lambda file: os.open(file.parent / "there", os.O_WRONLY),
    "cut a file off": lambda file: os.truncate(file.parent / "there", 0),
    "remove a file": lambda file: (file.parent / "there").unlink(),
    "make a folder": lambda file: file.mkdir(),
    "rename a file": lambda file: (file.parent / "there").rename(file),
    "change a mode": lambda file: (file.parent / "there").chmod(0o777),
    "open a socket": lambda _: __import__("socket").socket(),
    "look into another process": lambda _: os.pidfd_open(os.getppid()),
    "go elsewhere": lambda file: os.chdir(file.parent),
    "raise its limits": lambda _: __import__("resource").setrlimit(7, (9, 9)),
    "start a thread": lambda _: __import__("_thread").start_new_thread(int, ()),
}


def told(deed: Callable[[], object]) -> str:
    """What a child says: what it did returned, or why it could not be done."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            words = repr(deed())
        except (OSError, RuntimeError, ValueError) as error:
            words = f"{type(error).__name__}: {error}"
        finally:
            os.write(writing, words.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        found = pipe.read()
    os.waitpid(child, 0)
    return found


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "there").write_bytes(b"kept")
    return tmp_path / "new"


HAS_CALLS = told(walls.leave_calls) == "True"
HAS_FILES = told(walls.leave_files) == "True"


def test_it_has_a_filter_for_the_usual_machines() -> None:
    assert (walls._FILTER is not None) is (platform.machine() in {"x86_64", "aarch64"})


@pytest.mark.parametrize("deed", DEEDS)
def test_it_refuses_to(deed: str, there: Path) -> None:
    def tried() -> object:
        assert walls.leave_calls() is HAS_CALLS
        return DEEDS[deed](there) if HAS_CALLS else OSError("no filter of calls here")

    assert "Error" in told(tried)
    assert not there.exists()
    assert (there.parent / "there").read_bytes() == b"kept"


def test_it_lets_compute_and_read(there: Path) -> None:
    def tried() -> object:
        walls.leave_calls()
        text = "Grüße".encode("cp1140")  # a module that is loaded late
        return len(bytes(50_000_000)), len(os.urandom(9)), text.decode("cp1140"), there.exists()

    assert told(tried) == "(50000000, 9, 'Grüße', False)"


def test_it_opens_the_files_of_programs_only(there: Path) -> None:
    def tried() -> object:
        stands = walls.leave_files()
        words: list[object] = []
        for file in (Path(walls.__file__), Path(os.__file__), there.parent / "there"):
            try:
                words.append(bool(file.read_bytes()))
            except PermissionError:
                words.append("refused")
        return stands, *words

    refused = "refused" if HAS_FILES else True
    assert told(tried) == repr((HAS_FILES, True, True, refused))


def test_it_keeps_the_folder_of_the_service_shut() -> None:
    """Its mail and its keys may lie beside its modules."""
    root = Path(walls.__file__).resolve().parents[3]
    assert not any(root.is_relative_to(folder) for folder in walls._programs())


def test_it_gains_nothing_and_shows_nothing() -> None:
    def tried() -> object:
        walls.leave_files()
        walls.hide()
        gains_nothing, is_shown = 39, 3  # <linux/prctl.h>
        return [walls._SYSTEM.prctl(asked, 0, 0, 0, 0) for asked in (gains_nothing, is_shown)]

    assert told(tried) == "[1, 0]"


def test_it_works_in_an_empty_folder() -> None:
    def tried() -> object:
        walls.leave_folder()
        return [*Path().iterdir()], _makes("x")

    assert told(tried) == "([], False)"


def _makes(name: str) -> bool:
    try:
        Path(name).write_bytes(b"x")
    except OSError:
        return False
    return True


def test_it_leaves_a_child_nothing_but_its_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above all no socket to the worker, over which it could answer for the next message."""
    reading, writing = os.pipe()

    def speaking(_: bytes) -> dict[str, object]:
        try:
            os.write(writing, b"forged")
        except OSError:
            return {"spoke": False}
        return {"spoke": True}

    monkeypatch.setattr(caged, "look_at", speaking)
    assert b'"spoke": false' in caged.answer(b"x")
    os.close(reading)
    os.close(writing)
