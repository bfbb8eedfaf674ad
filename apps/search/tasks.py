"""Celery's door to the search index."""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from celery import shared_task

from apps.runtime.db import close_if_broken, is_sqlite, translate_errors
from apps.search.indexing import Batch, Indexer
from apps.wire.errors import StorageFull, StorageUnavailable

logger = logging.getLogger(__name__)

SECONDS: Final = 10.0  # then other housekeeping has its turn
_LAST: Final = 19
"""Niceness of the thread that reads and writes: whoever receives or reads mail comes first."""


@shared_task(name="search.index")
def fill() -> None:
    """Beat: index what waits. What is in no transaction of the database is done on a thread of the
    lowest priority; the database itself is written at once, for others wait behind that."""
    indexer = Indexer(_gently) if is_sqlite() else Indexer()
    try:
        with translate_errors():
            indexer.run(SECONDS)
    except (StorageFull, StorageUnavailable) as error:  # the next turn is soon
        logger.warning("the search index is not filled", extra={"detail": error.detail})


def _gently(work: Callable[[], Batch]) -> Batch:
    def job() -> Batch:
        try:
            return work()
        except Exception:
            close_if_broken()
            raise

    return _thread().submit(job).result()


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "search-index", initializer=_step_back)


def _step_back() -> None:
    """Linux: priorities belong to threads."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LAST)


os.register_at_fork(after_in_child=_thread.cache_clear)  # threads do not survive it
