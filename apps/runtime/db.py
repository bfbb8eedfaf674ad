"""The bridge from an event loop to the synchronous database code.

Services are plain functions. Listeners call them through `in_db`, on small named pools of threads,
each thread with a database connection of its own that stays open. What it promises:

- a job that has started runs to its end, even when the task that waits for it is cancelled;
- a pool's waiting line is bounded: beyond it the caller gets `Overloaded` at once;
- failures of the database or the disk arrive as `StorageUnavailable` or `StorageFull`;
- a connection that broke is closed after the job that found out, so that the next one gets a new
one.
"""

import asyncio
import contextvars
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal, ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.runtime.failures import translate_errors
from apps.wire.errors import MailError, Overloaded

__all__ = [
    "Pool",
    "behind",
    "forgettable",
    "in_db",
    "is_sqlite",
    "read_snapshot",
    "shutdown",
    "translate_errors",
]

logger = logging.getLogger(__name__)

Pool = Literal["read", "write", "work", "hash", "blob"]
P = ParamSpec("P")
T = TypeVar("T")

# Threads of a pool, and jobs that may wait beside those that run. More readers do not read faster
# (one interpreter lock), and one writer per process is all that SQLite can use. 100 waiting hashes
# are 100 * 22 ms / 2 = 1.1 s: whoever would wait longer is told to come back. Blob writers wait for
# the disk, and eight that wait together share its journal commits.
_POOLS: dict[Pool, tuple[int, int]] = {
    "read": (4, 2_000),
    "write": (1, 2_000),
    "work": (2, 500),
    "hash": (2, 100),
    "blob": (8, 2_000),
}
# A connection that rested longer than this is asked whether it still lives before it is used
# again: the database server may have been restarted meanwhile.
_RESTED = 5.0
_SQLITE = "apps.runtime.sqlite"  # the one engine for it that the settings know


class _Threads:
    """One pool: an executor, its line of waiting jobs, its threads' connections."""

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self._limit = threads + waiting
        self._open = 0
        self._lock = threading.Lock()
        self._connections: list[BaseDatabaseWrapper] = []
        self._executor = ThreadPoolExecutor(threads, f"db-{name}", initializer=self._register)

    def submit(self, job: Callable[[], T]) -> "Future[T]":
        with self._lock:
            if self._open >= self._limit:
                raise Overloaded("too many database jobs are waiting")
            self._open += 1
        try:
            future = self._executor.submit(job)
        except BaseException:
            self._one_less()
            raise
        future.add_done_callback(self._one_less)
        return future

    def _one_less(self, _future: object = None) -> None:
        with self._lock:
            self._open -= 1

    def _register(self) -> None:
        with self._lock:
            self._connections.append(connections["default"])

    def shutdown(self) -> None:
        """Let what was submitted finish, end the threads, close their connections."""
        self._executor.shutdown(wait=True)
        # Django lets nobody close a connection where an event loop runs; a thread of its own may.
        closing = threading.Thread(target=self._close_connections)
        closing.start()
        closing.join()

    def _close_connections(self) -> None:
        for one in self._connections:
            one.inc_thread_sharing()  # its own thread is gone
            one.close()


_threads: dict[Pool, _Threads] = {}
_resting = threading.local()


async def in_db(pool: Pool, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function` on one of the pool's threads and return what it returns.

    When the awaiting task is cancelled, a job that still waits is dropped and one that has started
    runs on to its end; its failure is then logged, because nobody is left to hear it.

    Raises:
        Overloaded: the pool's waiting line is full; nothing was started.
        StorageUnavailable, StorageFull: see `translate_errors`.
        Exception: whatever `function` raises.
    """
    context = contextvars.copy_context()  # so that log lines of the job carry the trace id
    job = _pool(pool).submit(lambda: context.run(_run, function, args, kwargs))
    try:
        return await asyncio.wrap_future(job)
    except asyncio.CancelledError:
        job.add_done_callback(_log_orphan)
        raise


def behind(pool: Pool, function: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
    """Have one of the pool's threads run `function`, for code that is no coroutine and waits for
    nothing: what fails there is logged.

    Within a transaction of the caller's it runs at once: no other connection could see what it is
    about.

    Raises:
        Overloaded: the pool's waiting line is full; nothing was started.
    """
    if connection.in_atomic_block:
        function(*args, **kwargs)
        return
    job = _pool(pool).submit(lambda: _run(function, args, kwargs))
    job.add_done_callback(_log_orphan)


def _pool(pool: Pool) -> _Threads:
    found = _threads.get(pool)
    if found is None:
        threads, waiting = _POOLS[pool]
        found = _threads.setdefault(pool, _Threads(pool, threads, waiting))
    return found


def _run(function: Callable[..., T], args: Any, kwargs: Any) -> T:
    _ask_if_rested()
    try:
        with translate_errors():
            return function(*args, **kwargs)
    except Exception:
        close_if_broken()
        raise
    finally:
        _resting.since = time.monotonic()


def _ask_if_rested() -> None:
    """Have Django check the connection at its next use, if it has been idle for a while."""
    if time.monotonic() - getattr(_resting, "since", 0.0) > _RESTED:
        connection.health_check_done = False  # type: ignore[attr-defined]


def close_if_broken() -> None:
    """Close this thread's connection if it cannot be used again or was left inside a transaction.

    CONN_HEALTH_CHECKS alone only acts between web requests; without this, every later job of the
    thread would meet the same dead connection.
    """
    if connection.connection is None:
        return
    if connection.in_atomic_block and not connection.closed_in_transaction:
        return  # the caller's own transaction (a synchronous test): not ours to end
    if not connection.get_autocommit() or _is_dead():
        connection.close()
    connection.errors_occurred = False


def _is_dead() -> bool:
    return connection.errors_occurred and not connection.is_usable()


def _log_orphan(job: "Future[Any]") -> None:
    try:
        error = job.exception()
    except CancelledError:
        return
    if error is not None:
        expected = isinstance(error, MailError)
        logger.error(
            "a database job failed after its caller had gone",
            extra={"detail": str(error)},
            exc_info=None if expected else error,
        )


@contextmanager
def read_snapshot() -> Iterator[None]:
    """Within: all reads see the database as it was at one moment, and nothing can be written.

    On SQLite this takes no turn at the turnstile (DEFERRED), on Postgres it is REPEATABLE READ
    READ ONLY. Inside a transaction that is already open it changes nothing: that transaction's
    view holds.
    """
    if connection.in_atomic_block:
        yield
    elif is_sqlite():
        with connection.snapshot(), transaction.atomic():  # type: ignore[attr-defined]
            yield
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield


@contextmanager
def forgettable() -> Iterator[None]:
    """A transaction that a power cut may undo, because only time would be lost (a lease).

    Its commit does not wait for the disk, so whoever stands behind it in the line of writers need
    not either. A crash of the process or of the database server alone undoes nothing on SQLite, and
    on Postgres at most the last fractions of a second. Never for what somebody was told is kept.
    """
    if connection.in_atomic_block or not is_sqlite():
        with transaction.atomic():
            if not is_sqlite():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL synchronous_commit TO OFF")
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL")  # in WAL mode: no sync at commit
        try:
            with transaction.atomic():
                yield
        finally:
            cursor.execute("PRAGMA synchronous=FULL")


def is_sqlite() -> bool:
    """True on SQLite, false on Postgres: for the few statements that differ.

    From the settings, for event loops ask too: there Django makes a whole `connection` (5 KB) for
    each task that so much as looks at it.
    """
    return bool(connections.settings[DEFAULT_DB_ALIAS]["ENGINE"] == _SQLITE)


def shutdown() -> None:
    """Finish the jobs that were submitted, end all threads and close their connections."""
    while _threads:
        _threads.popitem()[1].shutdown()


# Threads do not survive a fork: a child starts with no pools, its parent's are not its own to end.
os.register_at_fork(after_in_child=_threads.clear)
