"""Mail in files: mbox, Maildir, a folder with a message per file, or one message.

Only places are kept in memory, a message is read when it is asked for. Line ends come out as mail
has them (CRLF), so that a message in a file is the one that was received.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

READ_MOST: Final = 64 * 1024 * 1024  # octets of one message

_BARE: Final = re.compile(rb"(?<!\r)\n")
_FROM: Final = b"From "


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message is: octets of a file; `end` -1 is the end of it."""

    path: Path
    start: int = 0
    end: int = -1

    def read(self) -> bytes:
        """The message, at most `READ_MOST` octets of it. Raises OSError."""
        size = READ_MOST if self.end < 0 else min(self.end - self.start, READ_MOST)
        with self.path.open("rb") as file:
            file.seek(self.start)
            raw = file.read(size)
        if raw.startswith(_FROM):  # the line of an mbox, no field
            raw = raw[raw.find(b"\n") + 1 :]
        return _BARE.sub(b"\r\n", raw)

    def __str__(self) -> str:
        return f"{self.path}:{self.start}" if self.start else str(self.path)


def places(path: Path) -> list[Place]:
    """Where the messages of a file or folder are, in the order of names and octets.

    Raises:
        OSError: it cannot be read.
    """
    if not path.is_dir():
        return list(_mbox(path))
    folders = [path / name for name in ("cur", "new") if (path / name).is_dir()] or [path]
    files = [file for folder in folders for file in sorted(folder.iterdir())]
    return [Place(file) for file in files if file.is_file() and not file.name.startswith(".")]


def parts(count: int, folds: int) -> list[int]:
    """For each of so many messages the part it is in, from 0 to `folds` - 1: the same whenever it
    is asked for, and of nearly the same size."""
    numbers = [number % folds for number in range(count)]
    random.Random(count).shuffle(numbers)  # noqa: S311 - shall be the same for all
    return numbers


def _mbox(path: Path) -> Iterator[Place]:
    """An mbox (RFC 4155: a message begins at `From ` behind an empty line); or one message."""
    with path.open("rb") as file:
        start = at = 0
        is_after_empty = False
        for line in iter(lambda: file.readline(1024 * 1024), b""):
            if at and is_after_empty and line.startswith(_FROM):
                yield Place(path, start, at)
                start = at
            is_after_empty = line in {b"\n", b"\r\n"}
            at += len(line)
    if at:
        yield Place(path, start, at)
