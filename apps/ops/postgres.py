"""Postgres's own programs, for backup and restore: what they need to know, and what they answer."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo

from apps.ops.archive import ArchiveError

# The search index comes of the mail: it is in no backup, and without its state it is made anew. It
# also makes its tables and extensions then, and does without the latter where it may not: a restore
# that may not would fail.
_NOT_DUMPED = ("--exclude-table=search_indexed*", "--exclude-table-data=search_indexstate")
_NOT_RESTORED = re.compile(r" EXTENSION ")
_OURS = ("host", "port", "dbname", "user", "sslmode", "sslrootcert", "sslcert", "sslkey")


def dump(target: Path, snapshot: str) -> None:
    """Write all rows as they are in the exported snapshot.

    Raises:
        ArchiveError: pg_dump is missing or failed; with what it said.
    """
    options = ("--format=custom", f"--snapshot={snapshot}", f"--file={target}")
    _run("pg_dump", *options, *_NOT_DUMPED)


def restore(source: Path) -> None:
    """Replace the tables by those of a dump, all or nothing.

    Raises:
        ArchiveError: pg_restore is missing or failed; with what it said.
    """
    options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction")
    listed = _call([_found("pg_restore"), "--list", str(source)]).splitlines()
    with tempfile.NamedTemporaryFile("w", prefix="mailhost-", suffix=".list") as wanted:
        wanted.write("\n".join([line for line in listed if not _NOT_RESTORED.search(line)]))
        wanted.flush()
        _run("pg_restore", *options, f"--use-list={wanted.name}", "--exit-on-error", str(source))


def _run(program: str, *arguments: str) -> None:
    found = _found(program)
    with _conninfo() as conninfo:
        _call([found, f"--dbname={conninfo}", "--no-password", *arguments])


def _found(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise ArchiveError(f"{program} is not installed (Debian package: postgresql-client).")
    return found


def _call(command: Sequence[str]) -> str:
    done = subprocess.run(  # noqa: S603 - our own arguments, and no shell
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise ArchiveError(f"{Path(command[0]).name}: {said[-1] if said else done.returncode}")
    return done.stdout


@contextmanager
def _conninfo() -> Iterator[str]:
    """How to reach the database. The password goes by a file, never by the command line, which
    everybody on the machine can read."""
    settings = connection.get_connection_params()
    given = {name: str(settings[name]) for name in _OURS if settings.get(name)}
    with tempfile.TemporaryDirectory(prefix="mailhost-") as folder:
        file = Path(folder) / "pgpass"
        file.touch(mode=0o600)
        password = str(settings.get("password") or "")
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        file.write_text(f"*:*:*:*:{escaped}\n")
        os.chmod(file, 0o600)  # noqa: PTH101 - the mode that libpq insists on
        yield make_conninfo(**given, passfile=str(file))
