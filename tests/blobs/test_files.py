"""Objects as files: durable in the right order, private, whole or not there."""

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.blobs.backends.contract import MissingObjectError
from apps.blobs.backends.files import Files
from apps.wire.errors import StorageFull, StorageUnavailable

KEY = "ab" + "0" * 30


@pytest.fixture
def store(tmp_path: Path) -> Files:
    return Files(tmp_path / "a" / "objects")


def test_it_reads_what_it_wrote(store: Files) -> None:
    data = os.urandom(5_000)
    store.write(KEY, data)
    assert store.read(KEY, 0, 5_000) == data
    assert store.read(KEY, 4_990, 6_000) == data[4_990:]
    assert store.read(KEY, 6_000, 6_001) == b""


def test_it_is_private(store: Files, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store.write(KEY, b"x")
    finally:
        os.umask(before)
    folder = tmp_path / "a" / "objects"
    for path, mode in ((folder, 0o700), (folder / "ab", 0o700), (folder / "ab" / KEY, 0o600)):
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_it_syncs_file_then_name_then_folders(
    store: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order of calls: data before the name, the name before it returns."""
    log: list[str] = []
    names: dict[int, str] = {}
    real_open, real_sync = os.open, os.fsync

    def opened(path: Any, *more: Any, **options: Any) -> int:
        file = real_open(path, *more, **options)
        names[file] = str(Path(path).relative_to(tmp_path))
        return file

    def synced(file: int) -> None:
        log.append(f"sync {names[file]}")
        real_sync(file)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "fsync", synced)
    store.write(KEY, b"x")
    objects = "a/objects"
    assert log == [
        "sync a",
        "sync .",
        f"sync {objects}",
        f"sync {objects}/ab/{KEY}",
        f"sync {objects}/ab",
    ]
    log.clear()
    store.write("ab" + "1" * 30, b"x")
    assert log == [f"sync {objects}/ab/ab{'1' * 30}", f"sync {objects}/ab"]


def test_it_syncs_a_folder_that_another_process_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Files(tmp_path).write(KEY, b"x")
    opened: list[str] = []
    real_open = os.open

    def opening(path: Any, *more: Any) -> int:
        opened.append(str(path))
        return real_open(path, *more)

    monkeypatch.setattr(os, "open", opening)
    Files(tmp_path).write("ab" + "1" * 30, b"x")
    assert str(tmp_path) in opened


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EIO, StorageUnavailable)],
)
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_it_leaves_nothing_of_a_write_that_failed(
    store: Files,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    kind: type[Exception],
    call: str,
) -> None:
    store.write(KEY, b"first")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, _failing(number))
        with pytest.raises(kind):
            store.write("ab" + "1" * 30, b"x" * 10_000)
    assert [path.name for path in (tmp_path / "a/objects/ab").iterdir()] == [KEY]
    store.write("ab" + "1" * 30, b"again")


def _failing(number: int) -> Callable[..., int]:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


def test_it_knows_what_is_not_there(store: Files) -> None:
    with pytest.raises(MissingObjectError):
        store.read(KEY, 0, 1)
    store.remove([KEY])
    assert list(store.walk("ab")) == []


@pytest.mark.parametrize("key", ["../../etc/passwd", "ab/cd", "", "AB" * 16, "ab.tmp"])
def test_it_takes_no_key_that_leads_elsewhere(store: Files, key: str) -> None:
    with pytest.raises(MissingObjectError):
        store.read(key, 0, 1)
    with pytest.raises(MissingObjectError):
        store.write(key, b"x")


def test_it_walks_and_removes_objects_and_leftovers(store: Files, tmp_path: Path) -> None:
    store.write(KEY, b"x")
    folder = tmp_path / "a/objects/ab"
    torn = KEY[:-1] + "0"
    (folder / torn).write_bytes(b"cut off")
    (folder / "README").write_text("not ours")
    assert {key for key, _ in store.walk("ab")} == {KEY, torn}
    store.remove([KEY, torn])
    assert [path.name for path in folder.iterdir()] == ["README"]


def test_it_makes_a_folder_again_that_was_removed(store: Files, tmp_path: Path) -> None:
    store.write(KEY, b"x")
    shutil.rmtree(tmp_path / "a/objects")
    store.write(KEY, b"y")
    assert store.read(KEY, 0, 1) == b"y"


def test_it_knows_a_disk_that_is_not_mounted(store: Files, tmp_path: Path) -> None:
    assert not store.has_any()
    (tmp_path / "a/objects").mkdir(parents=True)
    assert not store.has_any()
    store.write(KEY, b"x")
    assert store.has_any()


def test_it_says_so_when_the_disk_is_away(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file where the folder should be")
    with pytest.raises(StorageUnavailable):
        Files(tmp_path / "objects").write(KEY, b"x")
