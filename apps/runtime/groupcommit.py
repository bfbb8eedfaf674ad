"""Group commit: calls of many connections gathered into one job on a database thread.

There is no timer: while one batch is being written the next one gathers, so a lone call waits for
nobody and a hundred at once cost one commit. What it promises:

- the caller learns the outcome of its own item, and only after the batch function returned;
- a batch that fails is tried again one item at a time, so a bad item cannot fail its neighbours
  (the batch function must therefore be idempotent, or undo all it did when it raises);
- the job is no client's task: one that drops cancels at most its own wait, never the work;
- what waits is bounded: beyond it the caller gets `Overloaded` at once.

One instance serves one event loop.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from apps.runtime.db import Pool, in_db
from apps.wire.errors import MailError, Overloaded, StorageUnavailable

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_ITEMS = 128
MAX_BYTES = 8 << 20
# Batches that may wait, in items and bytes: at the speed of a slow disk still under ten seconds.
WAITING_ITEMS = 4_096
WAITING_BYTES = 256 << 20


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    size: int
    outcome: "asyncio.Future[Result | MailError]"


class GroupCommit(Generic[Item, Result]):
    """Gathers items and hands them to `batch` on one thread at a time.

    Args:
        batch: gets up to `max_items` items of up to `max_bytes` together (or one larger item),
            returns one result or MailError for each, in order. Runs in a thread.
        pool: where it runs; "write" has a single thread, so that commits stand in one line.
    """

    def __init__(
        self,
        batch: Callable[[list[Item]], "list[Result | MailError]"],
        *,
        pool: Pool = "write",
        max_items: int = MAX_ITEMS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._batch = batch
        self._pool: Pool = pool
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._line: deque[_Waiting[Item, Result]] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Items that no job has taken up yet."""
        return len(self._line)

    async def submit(self, item: Item, size: int = 0) -> Result:
        """Have `item` written with whatever else waits; return its result.

        Raises:
            Overloaded: too much waits already; the item was not taken.
            MailError: the batch function's answer for this item.
        """
        if len(self._line) >= WAITING_ITEMS or self._bytes + size > WAITING_BYTES:
            raise Overloaded(f"{len(self._line)} items wait to be written")
        outcome: asyncio.Future[Result | MailError] = asyncio.get_running_loop().create_future()
        self._line.append(_Waiting(item, size, outcome))
        self._bytes += size
        if self._task is None:
            # A task of our own, and a strong reference to it: the event loop keeps none.
            self._task = asyncio.create_task(self._write_all())
        result = await outcome
        if isinstance(result, MailError):
            raise result
        return result

    async def drain(self) -> None:
        """Return when nothing waits any more; for a graceful stop."""
        while self._task is not None:
            await asyncio.shield(self._task)

    async def _write_all(self) -> None:
        try:
            while self._line:
                await self._write(self._take())
        finally:
            self._task = None

    def _take(self) -> list[_Waiting[Item, Result]]:
        taken: list[_Waiting[Item, Result]] = []
        size = 0
        while self._line and len(taken) < self._max_items:
            size += self._line[0].size
            if taken and size > self._max_bytes:
                break
            taken.append(self._line.popleft())
            self._bytes -= taken[-1].size
        return taken

    async def _write(self, taken: list[_Waiting[Item, Result]]) -> None:
        failure = await self._try(taken)
        if failure is None:
            return
        if len(taken) == 1:
            _tell(taken[0], failure)
            return
        away = 0
        for one in taken:
            # A database that is away is away for all: two in a row are proof enough, and the rest
            # need not wait for as many time-outs.
            failure = failure if away > 1 else await self._try([one])
            if failure is not None:
                away = away + 1 if isinstance(failure, StorageUnavailable) else 0
                _tell(one, failure)

    async def _try(self, taken: list[_Waiting[Item, Result]]) -> MailError | None:
        """Run one job; return why nothing of it was done, None when every item has its outcome."""
        try:
            results = await in_db(self._pool, self._batch, [one.item for one in taken])
        except MailError as error:
            return error
        except Exception:
            logger.exception("a batch failed", extra={"items": len(taken)})
            return MailError("the batch function failed")
        if len(results) != len(taken):  # a defect of ours; whoever waits must hear of it
            logger.error("a batch came back short", extra={"items": len(taken)})
            return MailError("the batch function gave too few results")
        for one, result in zip(taken, results, strict=True):
            _tell(one, result)
        return None


def _tell(one: _Waiting[Item, Result], result: Result | MailError) -> None:
    # The error travels as a value: as an exception of a future that nobody awaits any more it would
    # be reported as never retrieved.
    if not one.outcome.done():
        one.outcome.set_result(result)
