"""Point reads that cost less than handing them to a thread.

`in_db` costs two wake-ups of threads, about 100 µs; a row that every process keeps asking for is in
memory, and SQLite gives it in 4 µs. So on SQLite `glance` runs on the event loop's own thread, on a
connection of its own that can only read and never waits; everywhere else, and whenever that fails,
it runs on the pool `read` as any other job.

Only for a few rows: counters of a mailbox, its name, one message. A read that has to fetch pages
from the disk holds up every connection of the process, so there is a budget: after one that took
long because of the disk, the loop waits for no disk for a hundred times as long, and threads read
meanwhile. So at most a hundredth of its time is lost to a slow disk, and nothing to memory or to a
fast one. That a busy machine took long is no reason: there a thread would wait twice.
"""

import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Concatenate, Final, ParamSpec, TypeVar
from urllib.parse import quote

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections

from apps.runtime.db import in_db, is_sqlite
from apps.wire.errors import MailError

__all__ = ["Ask", "ask_database", "forget", "glance", "warm"]

P = ParamSpec("P")
T = TypeVar("T")

Ask = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs one SELECT with `%s` marks and returns all its rows."""

_PRAGMAS: Final = (
    "PRAGMA query_only=ON",
    "PRAGMA mmap_size=268435456",
    "PRAGMA cache_size=-1000",
)
_SLOW: Final = 0.002  # seconds: longer than any row takes that is in memory
_SHARE: Final = 100
_LONGEST_REST: Final = 10.0  # seconds: one stalled disk says little about the next hour
_here = threading.local()


async def glance(
    function: Callable[Concatenate[Ask, P], T], /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run a function that asks for a few rows; it sees all that was committed before the call.

    Args:
        function: its first argument is the way to ask; it must have no other.

    Raises: as `in_db`, and whatever `function` raises.
    """
    if is_sqlite() and (began := time.monotonic()) >= getattr(_here, "rests_until", 0.0):
        try:
            return function(_ask_here, *args, **kwargs)
        except (sqlite3.Error, DatabaseError):
            forget()  # busy, broken, or not there yet: a thread may wait, and knows what to say
        finally:
            ended = time.monotonic()
            if ended - began > _SLOW and _has_read_from_disk():
                rest = min(_SHARE * (ended - began), _LONGEST_REST)
                _here.rests_until = ended + rest
    return await in_db("read", lambda: function(ask_database, *args, **kwargs))


def _has_read_from_disk() -> bool:
    """Whether this thread has waited for a disk since it was asked last."""
    before: int = getattr(_here, "disk_reads", 0)
    _here.disk_reads = now = _disk_reads()
    return now > before


def _disk_reads() -> int:
    used = resource.getrusage(resource.RUSAGE_THREAD)
    return used.ru_inblock + used.ru_majflt  # of files read, and of those mapped into memory


async def warm() -> None:
    """Open the connections that the first client would have to wait for; nothing if the database
    does not answer."""
    with suppress(MailError, DatabaseError):
        await glance(_ask_nothing)
        await in_db("read", _ask_nothing, ask_database)
        await in_db("work", _ask_nothing, ask_database)


def _ask_nothing(ask: Ask) -> None:
    ask("SELECT 1 FROM django_migrations LIMIT 1", [])  # a table: SQLite then reads its schema


def ask_database(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Ask on this thread's connection to the database, as all other code does."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _ask_here(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    # All rows at once: a cursor left open would hold its snapshot, and with it the WAL.
    rows: list[tuple[Any, ...]] = _own().execute(_marked(sql), parameters).fetchall()
    return rows


def _own() -> sqlite3.Connection:
    """This thread's own connection; one per event loop, for each runs in a thread of its own."""
    # Not from `connection`: on an event loop Django makes a whole one for each task that asks.
    name = str(connections.settings[DEFAULT_DB_ALIAS]["NAME"])
    found: tuple[str, sqlite3.Connection] | None = getattr(_here, "connection", None)
    if found is not None and found[0] == name:
        return found[1]
    forget()
    # `rw`: no empty file is made where there is none. And no waiting: not even for the moment in
    # which another process recovers the WAL.
    made = sqlite3.connect(f"file:{quote(name)}?mode=rw", uri=True, timeout=0, isolation_level=None)
    for pragma in _PRAGMAS:
        made.execute(pragma)
    _here.connection = (name, made)
    _here.disk_reads = _disk_reads()
    return made


def forget() -> None:
    """Close this thread's own connection; the next call opens it again."""
    found: tuple[str, sqlite3.Connection] | None = getattr(_here, "connection", None)
    if found is not None:
        _here.connection = None
        found[1].close()


@lru_cache(maxsize=64)
def _marked(sql: str) -> str:
    """With SQLite's own marks."""
    return sql.replace("%s", "?")
