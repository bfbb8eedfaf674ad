"""What a backup looks like, for those who write and those who read one.

    manifest.json     format, versions, counts, SHA-256 of the other lists
    rows.sqlite3      the database, or rows.pgdump (pg_dump's custom format)
    objects.tsv       one line for each object: SHA-256, size, key
    objects/ab/…      the objects that the rows name, as they are stored
    keys/             secret key and self-signed certificate

A backup holds all mail and the keys: folder 0700, files 0600.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

FORMAT = 1
MANIFEST = "manifest.json"
OBJECTS = "objects.tsv"
ROWS = {"sqlite": "rows.sqlite3", "postgresql": "rows.pgdump"}
KEYS = "keys"


class ArchiveError(Exception):
    """A backup that cannot be written or used; its text is the sentence for the administrator."""


class IncompleteError(ArchiveError):
    """A backup was written, but for objects that the store has lost."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup. Hashes are SHA-256 in hexadecimal; `migrations` are `app.name`."""

    format: int
    version: str
    made_at: str  # UTC, ISO 8601
    database: str  # sqlite or postgresql
    migrations: list[str]
    rows_sha256: str
    objects: int
    objects_bytes: int
    objects_sha256: str
    keys: dict[str, str]

    def write(self, folder: Path) -> None:
        """Written last: a backup without a manifest was not finished."""
        write_private(folder / MANIFEST, json.dumps(asdict(self), indent=2).encode() + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        ArchiveError: this is no finished backup, or one of a newer version.
    """
    try:
        fields = json.loads((folder / MANIFEST).read_bytes())
        manifest = Manifest(**fields)
    except FileNotFoundError:
        raise ArchiveError(f"{folder} holds no finished backup: {MANIFEST} is missing.") from None
    except (OSError, ValueError, TypeError) as error:
        raise ArchiveError(f"{folder / MANIFEST} cannot be read: {error}.") from None
    if manifest.format != FORMAT or manifest.database not in ROWS:
        raise ArchiveError(f"{folder} was made by a newer version ({manifest.version}).")
    return manifest


@dataclass(frozen=True, slots=True)
class ObjectLine:
    """One object of a backup."""

    sha256: str
    size: int
    key: str

    def encode(self) -> bytes:
        return f"{self.sha256}\t{self.size}\t{self.key}\n".encode()


def object_lines(folder: Path) -> Iterator[ObjectLine]:
    """The objects of a backup.

    Raises:
        ArchiveError: the list is damaged.
    """
    with (folder / OBJECTS).open("rb") as lines:
        for line in lines:
            fields = line.decode("ascii", "replace").rstrip("\n").split("\t")
            if len(fields) != 3 or not fields[1].isdigit() or not fields[2].isalnum():
                raise ArchiveError(f"{folder / OBJECTS} is damaged.")
            yield ObjectLine(fields[0], int(fields[1]), fields[2])


def object_file(folder: Path, key: str) -> Path:
    """Where the object with this key is in a backup."""
    return folder / "objects" / key[:2] / key


def sha256_of(file: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def check(folder: Path, hashes: Mapping[str, str]) -> None:
    """Compare files of a backup with their hashes.

    Raises:
        ArchiveError: one of them is missing or has changed.
    """
    for name, wanted in hashes.items():
        try:
            found = sha256_of(folder / name)
        except OSError as error:
            raise ArchiveError(f"{folder / name} cannot be read: {error.strerror}.") from None
        if found != wanted:
            raise ArchiveError(f"{folder / name} is damaged: its SHA-256 is another.")


def write_private(file: Path, data: bytes) -> None:
    """Write a file that only its owner may read, and wait until the disk has it."""
    _make_private(file.parent)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())


def _make_private(folder: Path) -> None:
    """`mkdir -p`, but 0700 all the way: Path.mkdir gives that mode to the last one only."""
    if not folder.exists():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
