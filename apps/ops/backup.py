"""`backup`: a consistent copy of everything, made while the service runs.

Rows first, at one moment; then every object that those rows name. Objects never change and are
collected by nobody meanwhile (`blobs.hold`), so they are there although the service goes on.
"""

import hashlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from apps.audit.services import record
from apps.blobs.backends.contract import MissingObjectError
from apps.blobs.services import hold
from apps.blobs.storage import backend
from apps.ops import postgres, schema
from apps.ops.archive import (
    FORMAT,
    KEYS,
    OBJECTS,
    ROWS,
    ArchiveError,
    IncompleteError,
    Manifest,
    ObjectLine,
    object_file,
    sha256_of,
    write_private,
)
from apps.runtime.db import is_sqlite

Say = Callable[[str], object]

_HOURS = 48  # a hold that ends by itself if this process is killed
_WHOLE = 1 << 62
_SAY_EVERY = 5.0  # seconds
_KEYS_SQL = "SELECT key FROM blobs_blob WHERE key <> '' ORDER BY key"


def backup(target: Path, say: Say) -> Manifest:
    """Write a backup into `target`, a folder that is new or empty.

    Raises:
        IncompleteError: objects are missing in the store; the rest is backed up and stays.
        ArchiveError: with one sentence for the administrator; what was begun is removed.
        MailError: the database or the object store does not answer.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ArchiveError(f"{target} is not an empty folder.")
    existed = target.exists()
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.chmod(0o700)
    try:
        with hold(f"backup to {target.name}", hours=_HOURS):
            record("backup.make", subject=str(target))  # first: who has the copy can tell, too
            return _write(target, say)
    except IncompleteError:
        raise
    except BaseException:
        for child in target.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
        if not existed:
            target.rmdir()
        raise


def _write(target: Path, say: Say) -> Manifest:
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    rows = target / ROWS[connection.vendor]
    say("rows…")
    keys = _sqlite_rows(rows) if is_sqlite() else _postgres_rows(rows)
    missing: list[str] = []
    count, size = _copy_objects(keys, target, say, missing)
    manifest = Manifest(
        format=FORMAT,
        version=settings.VERSION,
        made_at=made_at,
        database=connection.vendor,
        migrations=sorted(f"{app}.{name}" for app, name in schema.applied()),
        rows_sha256=sha256_of(rows),
        objects=count,
        objects_bytes=size,
        objects_sha256=sha256_of(target / OBJECTS),
        keys=_copy_keys(target),
    )
    manifest.write(target)
    if missing:
        # The rest is worth more than nothing, and a backup that never works again worth less.
        raise IncompleteError(
            f"All was backed up to {target} but {len(missing)} objects that are missing in the"
            f" store, {missing[0]} first: `manage.py fsck` tells whose messages they are."
        )
    say(f"done: {count} objects, {size + rows.stat().st_size} bytes in {target}")
    return manifest


def _sqlite_rows(rows: Path) -> list[str]:
    schema.copy_sqlite(Path(str(connection.settings_dict["NAME"])), rows)
    with closing(sqlite3.connect(f"file:{rows}?mode=ro", uri=True)) as copy:
        return [str(key) for (key,) in copy.execute(_KEYS_SQL)]


def _postgres_rows(rows: Path) -> list[str]:
    """The dump and the list of keys see one snapshot, which lives with this transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        postgres.dump(rows, str(cursor.fetchone()[0]))
        rows.chmod(0o600)
        cursor.execute(_KEYS_SQL)
        return [str(key) for (key,) in cursor.fetchall()]


def _copy_objects(keys: list[str], target: Path, say: Say, missing: list[str]) -> tuple[int, int]:
    total = 0
    said = time.monotonic()
    write_private(target / OBJECTS, b"")
    with (target / OBJECTS).open("ab") as lines:
        for number, line in enumerate(_objects(keys, target, missing), 1):
            lines.write(line.encode())
            total += line.size
            if time.monotonic() - said > _SAY_EVERY:
                said = time.monotonic()
                say(f"objects: {number} of {len(keys)}, {total} bytes")
    return len(keys) - len(missing), total


def _objects(keys: list[str], target: Path, missing: list[str]) -> Iterator[ObjectLine]:
    for key in keys:
        try:
            data = backend().read(key, 0, _WHOLE)
        except MissingObjectError:
            missing.append(key)
            continue
        write_private(object_file(target, key), data)
        yield ObjectLine(hashlib.sha256(data).hexdigest(), len(data), key)


def _copy_keys(target: Path) -> dict[str, str]:
    data: Path = settings.MAILHOST_DATA
    hashes = {}
    made = (data / "secret_key", data / "encryption_key")
    for file in (*made, *sorted((data / "tls").glob("[!.]*.pem"))):
        if file.is_file():
            name = f"{KEYS}/{file.relative_to(data)}"
            write_private(target / name, file.read_bytes())
            hashes[name] = sha256_of(target / name)
    return hashes
