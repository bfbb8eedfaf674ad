"""Databases that are up to date and empty, to be copied: the migrations of a run are applied once.

They cost seconds, and every test process and every installation wants their outcome. All processes
of a run share the folder that tests/run.py names; without it each process makes its own. Run as a
program it makes the one that the tests of a pass work on.
"""

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

ROOT = Path(__file__).parent.parent.parent
FOLDER = "MAILHOST_TESTS_FOLDER"  # set by tests/run.py: what all processes of a pass may share
SECONDS = 250


def is_shared() -> bool:
    """Whether others have made them, or will want what is made here."""
    return FOLDER in os.environ


@cache
def file() -> Path:
    """A file of SQLite's."""
    folder = _folder()
    made = folder / "mailhost.sqlite3"
    _once(folder, made, lambda new: _migrate(new, ""))
    return made


@cache
def database(url: str) -> str:
    """A database on the server of `url`, which nobody may use; its name."""
    folder = _folder()
    name = f"migrated_{_port(url)}"
    _once(folder, folder / name, lambda new: _made_on(url, name, new))
    return name


def lay_out(name: str) -> None:
    """Put a copy where a test process works: a database of this name, or a file."""
    url = os.environ.get("DATABASE_URL", "")
    if url.startswith("postgres"):
        drop_database(url, name)
        new_database(url, name, database(url))
    else:
        shutil.copyfile(file(), name)


def new_database(url: str, name: str, like: str | None = None) -> None:
    """Make a database on the server of `url`, empty or a copy of `like`."""
    made = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with _server(url) as server:
        server.execute(made.format(sql.Identifier(name), sql.Identifier(like or "template1")))


def drop_database(url: str, name: str) -> None:
    """Remove it, if it is there."""
    with _server(url) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def beside(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return f"{url.rpartition('/')[0]}/{name}"


def _server(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(beside(url, "postgres"), autocommit=True)


def _port(url: str) -> str:
    return url.rpartition("/")[0].rpartition(":")[2]


@cache
def _folder() -> Path:
    shared = os.environ.get(FOLDER)
    if shared:
        return Path(shared)
    folder = Path(tempfile.mkdtemp(prefix="mailhost-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _once(folder: Path, made: Path, make: Callable[[Path], None]) -> None:
    """Have one process of the run call `make` with a folder of its own, in which it leaves a file
    of the name of `made`; the others wait for it."""
    with (folder / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=folder) as new:
                make(Path(new))
                (Path(new) / made.name).rename(made)


def _made_on(url: str, name: str, new: Path) -> None:
    drop_database(url, name)
    new_database(url, name)
    _migrate(new, beside(url, name))
    (new / name).touch()


def _migrate(folder: Path, url: str) -> None:
    environment = {**os.environ, "MAILHOST_DATA": str(folder), "DATABASE_URL": url}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=SECONDS,
    )


if __name__ == "__main__":
    address = os.environ.get("DATABASE_URL", "")
    database(address) if address.startswith("postgres") else file()
