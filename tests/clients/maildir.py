"""A Maildir as a person's programs keep it: messages, their flags, and whether anything changed."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

EARLIER = 1_700_000_000.0  # seconds since the epoch
_written = itertools.count(1)  # no two messages share a name


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in a Maildir; its text in CRLF lines, as it goes over the wire."""

    path: Path
    raw: bytes

    @property
    def letters(self) -> str:
        """The flags in its name."""
        return self.path.name.partition(":2,")[2]

    def mark(self, letters: str) -> None:
        """Give it these flags, as a mail program does: by its name."""
        stem = self.path.name.partition(":2,")[0]
        self.path.rename(self.path.parent.parent / "cur" / f"{stem}:2,{letters}")


def make(folder: Path, *messages: bytes, letters: str = "") -> None:
    """A Maildir with these messages, beside those that it has."""
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for message in messages:
        number = next(_written)
        file = folder / "cur" / f"17000{number:05}.M{number}P1.desk:2,{letters}"
        file.write_bytes(message.replace(b"\r\n", b"\n"))


def messages(folder: Path) -> list[Kept]:
    """All messages of one Maildir."""
    return [
        Kept(file, file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        for part in ("cur", "new")
        for file in sorted((folder / part).iterdir())
    ]


def age(folder: Path) -> None:
    """Have all Maildirs below a folder look as if nothing had happened in them for a while."""
    for where, _, _ in os.walk(folder):
        if Path(where).name in {"cur", "new"}:
            os.utime(where, (EARLIER, EARLIER))


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Every message file below a folder: when it was written, and how long it is."""
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        if Path(where).name in {"cur", "new", "tmp"}:
            yield from (Path(where) / name for name in names)
