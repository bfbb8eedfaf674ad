"""`restore`: puts a backup in place of what is here, after every byte of it has been checked.

The service must not run meanwhile. Objects first, rows last: until the rows are there, nothing has
changed that anybody could see, and a restore that was cut off is simply begun again.
"""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection, connections

from apps.audit.services import record
from apps.blobs.backends.contract import MissingObjectError
from apps.blobs.storage import backend
from apps.mailstore.services.restored import renew_uidvalidity
from apps.ops import locks, postgres, schema
from apps.ops.archive import (
    KEYS,
    OBJECTS,
    ROWS,
    ArchiveError,
    Manifest,
    ObjectLine,
    check,
    object_file,
    object_lines,
    read_manifest,
    write_private,
)
from apps.runtime.db import is_sqlite
from apps.search import services as search

Say = Callable[[str], object]

_SAY_EVERY = 5.0  # seconds
_ROLES = ("listeners", "web", "worker", "beat")


def restore(source: Path, say: Say, *, force: bool = False) -> Manifest:
    """Replace everything by the backup in `source`.

    Args:
        force: also when there are domains or users here; a SQLite file is kept in `backups`.

    Raises:
        ArchiveError: with one sentence for the administrator; the rows here are unchanged.
        RunningError: the service runs.
    """
    held = locks.hold(_ROLES)
    try:
        manifest = read_manifest(source)
        _check_fit(manifest, force)
        say("checking…")
        rows = ROWS[manifest.database]
        check(
            source,
            {rows: manifest.rows_sha256, OBJECTS: manifest.objects_sha256, **manifest.keys},
        )
        _restore_objects(source, manifest, say)
        say("rows…")
        _restore_rows(source / rows, force)
        _restore_keys(source, manifest)
        schema.bring_up_to_date(say)
        renew_uidvalidity()
        # The rows may be one batch behind the index that is here, which would pass for theirs.
        search.end()
        record("backup.restore", subject=f"the state of {manifest.made_at}")
    finally:
        locks.release(held)
    say(f"done: the state of {manifest.made_at}, {manifest.objects} objects")
    return manifest


def _check_fit(manifest: Manifest, force: bool) -> None:
    if manifest.database != connection.vendor:
        raise ArchiveError(
            f"The backup is of a {manifest.database} database and this is {connection.vendor}."
        )
    had = {(app, name) for app, _, name in (one.partition(".") for one in manifest.migrations)}
    if had - schema.known().union(*schema.replaced().values()):
        raise ArchiveError(
            f"The backup is of a newer version ({manifest.version}): update mailhost first."
        )
    try:
        schema.check_age(had)
    except schema.TooOldError as error:
        raise ArchiveError(str(error)) from None
    if not force and _has_content():
        raise ArchiveError("There are domains here already; --force replaces everything.")


def _has_content() -> bool:
    with connection.cursor() as cursor:
        if "directory_domain" not in connection.introspection.table_names(cursor):
            return False
        cursor.execute("SELECT EXISTS (SELECT 1 FROM directory_domain)")
        return bool(cursor.fetchone()[0])


def _restore_objects(source: Path, manifest: Manifest, say: Say) -> None:
    said = time.monotonic()
    for number, line in enumerate(object_lines(source), 1):
        _put(line.key, _checked(source, line))
        if time.monotonic() - said > _SAY_EVERY:
            said = time.monotonic()
            say(f"objects: {number} of {manifest.objects}")


def _put(key: str, data: bytes) -> None:
    """Write an object unless it is there; one that is another, or was cut off, gives way."""
    try:
        if backend().read(key, 0, len(data) + 1) == data:
            return
        backend().remove([key])
    except MissingObjectError:
        pass
    backend().write(key, data)


def _checked(source: Path, line: ObjectLine) -> bytes:
    file = object_file(source, line.key)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ArchiveError(f"{file} cannot be read: {error.strerror}.") from None
    if hashlib.sha256(data).hexdigest() != line.sha256:
        raise ArchiveError(f"{file} is damaged: its SHA-256 is another.")
    return data


def _restore_rows(rows: Path, force: bool) -> None:
    if not is_sqlite():
        connections.close_all()
        postgres.restore(rows)
        return
    target = Path(str(connection.settings_dict["NAME"]))
    if force and target.exists():
        schema.copy_database()
    connections.close_all()
    schema.copy_sqlite(rows, target)
    # What the old file had not taken over yet belongs to the old file.
    for tail in ("-wal", "-shm"):
        target.with_name(target.name + tail).unlink(missing_ok=True)


def _restore_keys(source: Path, manifest: Manifest) -> None:
    data: Path = settings.MAILHOST_DATA
    for name in manifest.keys:
        relative = Path(name).relative_to(KEYS)
        if ".." in relative.parts or relative.is_absolute():
            raise ArchiveError(f"{source} names a key outside of the data folder.")
        write_private(data / relative, (source / name).read_bytes())
