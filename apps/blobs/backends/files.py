"""Objects as files: `folder/ab/abcdef…`, fanned out by the first two digits of the key.

A write is open under the final name, fsync, fsync of the folder. No temporary name and no rename:
an object is named by an id that no row mentions before the object is durable, so a torn file is
read by nobody and swept like any orphan. A rename would cost a second commit of the file system's
journal, half the speed (docs/decisions/0011-blobs-under-their-final-name.md). The fan-out folder
itself must survive too, so its parent is synced before a process first trusts it, even if another
process made it: that one may not have come to its own fsync yet. Files 0600, folders 0700.
"""

import errno
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from apps.blobs.backends.contract import MissingObjectError
from apps.wire.errors import StorageFull, StorageUnavailable

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_KEY: Final = re.compile(r"[0-9a-f]{8,64}")


class Files:
    """Objects below one folder of a local file system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._durable: set[str] = set()
        self._lock = threading.Lock()

    def write(self, key: str, data: bytes) -> None:
        path = self._path(key)
        with _translated():
            if not path.parent.exists():
                self._durable.discard(path.parent.name)  # somebody removed what we had made
            self._make_folder(path.parent)
            try:
                _write_synced(path, data)
            except FileExistsError:
                raise
            except BaseException:
                # A full disk must not stay full because of what could not be written.
                with suppress(OSError):
                    path.unlink()
                raise
            _sync_folder(path.parent)

    def read(self, key: str, start: int, end: int) -> bytes:
        with _translated():
            try:
                file = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise MissingObjectError(key) from None
            try:
                # However much is asked for, memory is taken for what there is.
                return _read_all(file, start, min(end, os.fstat(file).st_size) - start)
            finally:
                os.close(file)

    def remove(self, keys: Sequence[str]) -> None:
        with _translated():
            for key in keys:
                self._path(key).unlink(missing_ok=True)

    def walk(self, prefix: str) -> Iterator[tuple[str, float]]:
        with _translated():
            folder = self._folder / prefix
            if not folder.is_dir():
                return
            with os.scandir(folder) as found:
                for entry in found:
                    with suppress(FileNotFoundError):  # removed since: nothing to tell
                        if _KEY.fullmatch(entry.name):
                            yield entry.name, entry.stat().st_mtime

    def has_any(self) -> bool:
        with _translated():
            try:
                with os.scandir(self._folder) as found:
                    return next(found, None) is not None
            except FileNotFoundError:
                return False

    def _path(self, key: str) -> Path:
        # The key comes from our own rows, but a damaged row must never name a file outside.
        if not _KEY.fullmatch(key):
            raise MissingObjectError(key)
        return self._folder / key[:2] / key

    def _make_folder(self, folder: Path) -> None:
        if folder.name in self._durable:
            return
        with self._lock:
            missing = [one for one in (self._folder, *self._folder.parents) if not one.exists()]
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for made in missing:
                _sync_folder(made.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self._folder)
            self._durable.add(folder.name)


@contextmanager
def _translated() -> Iterator[None]:
    """Errors of the file system in our own words."""
    try:
        yield
    except OSError as error:
        kind = StorageFull if error.errno in _FULL else StorageUnavailable
        raise kind(f"blob store: {error}") from error


def _write_synced(path: Path, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        os.fsync(file)
    finally:
        os.close(file)


def _read_all(file: int, start: int, length: int) -> bytes:
    pieces = []
    while length > 0:
        piece = os.pread(file, length, start)
        if not piece:
            break
        pieces.append(piece)
        start, length = start + len(piece), length - len(piece)
    return b"".join(pieces)


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
