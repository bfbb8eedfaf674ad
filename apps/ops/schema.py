"""Brings the database up to date at a start, with a copy of the SQLite file before anything
changes in it.

Whether there is something to do is asked cheaply, from file names and one SELECT: a start that
finds nothing to do must not pay for loading every migration.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from apps.runtime.db import is_sqlite

KEPT_COPIES = 3
_POSTGRES_LOCK = 0x6D61696C  # any number that only we use


class TooOldError(Exception):
    """A database, or a backup, of a version from which no migration leads here; one sentence."""


def missing_migrations() -> bool:
    """Whether the code has migrations that the database has not."""
    return bool(known() - applied())


def bring_up_to_date(say: Callable[[str], object]) -> None:
    """Apply missing migrations. Of several processes that call it, one works and others wait.

    Raises:
        TooOldError: there is no way to this version; nothing has changed.
    """
    if not missing_migrations():
        return
    with _alone():
        if not missing_migrations():
            return
        check_age(applied())
        if is_sqlite() and applied():
            say(f"A copy of the database as it was is kept in {copy_database()}.")
        say("Bringing the database up to date…")
        call_command("migrate", interactive=False, verbosity=0)


def is_being_changed() -> bool:
    """Whether somebody is bringing it up to date now."""
    file = settings.MAILHOST_DATA / "run" / "migrate.lock"
    try:
        with file.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        pass
    except BlockingIOError:
        return True
    if is_sqlite():
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_POSTGRES_LOCK])
        (was_free,) = cursor.fetchone()
        if was_free:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_POSTGRES_LOCK])
    return not was_free


def copy_database() -> Path:
    """Copy the SQLite file into MAILHOST_DATA/backups while it is in use; keep the newest few."""
    folder: Path = settings.MAILHOST_DATA / "backups"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    target = folder / f"before-{settings.VERSION}-{moment}.sqlite3"
    copy_sqlite(Path(str(connection.settings_dict["NAME"])), target)
    copies = sorted(
        folder.glob("before-*.sqlite3"), key=lambda file: (file.stat().st_mtime_ns, file.name)
    )
    for old in copies[:-KEPT_COPIES]:
        old.unlink(missing_ok=True)
    return target


def copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy through SQLite's backup interface; there whole, or not at all."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    os.close(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(fresh)) as copy,
        ):
            live.backup(copy)
            # One file, not three: the copy must not depend on a -wal beside it.
            copy.execute("PRAGMA journal_mode=DELETE")
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def known() -> set[tuple[str, str]]:
    """Every migration on disk, as (app label, name)."""
    found = set()
    for config in apps.get_app_configs():
        spec = find_spec(f"{config.name}.migrations")
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            names = (file.stem for file in Path(folder).glob("[0-9]*.py"))
            found |= {(config.label, name) for name in names}
    return found


def applied() -> set[tuple[str, str]]:
    """Every migration that the database has had, as (app label, name)."""
    with connection.cursor() as cursor:
        if "django_migrations" not in connection.introspection.table_names(cursor):
            return set()
        cursor.execute("SELECT app, name FROM django_migrations")
        return {(str(app), str(name)) for app, name in cursor.fetchall()}


def replaced() -> dict[tuple[str, str], set[tuple[str, str]]]:
    """The migrations on disk that stand for others, which are there no more, and for which."""
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    return {key: set(one.replaces) for key, one in loader.disk_migrations.items()}


def check_age(had: set[tuple[str, str]]) -> None:
    """See that what is on disk leads on from where a database is.

    Args:
        had: the migrations that it has had.

    Raises:
        TooOldError: it has had a part only of what is one migration now.
    """
    for now, before in replaced().items():
        if now not in had and before & had and before - had:
            raise TooOldError(
                "The database is of a version that is too old for this one: bring it up to date"
                " with the last version before the migrations were made anew (docs/operations.md)."
            )


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time: by a file on one machine, by the database between several."""
    folder: Path = settings.MAILHOST_DATA / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_sqlite():
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_POSTGRES_LOCK])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_POSTGRES_LOCK])
