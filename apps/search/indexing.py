"""Fills the search index from the outbox, batch by batch.

One at a time for the whole installation. A batch is written first and taken off the outbox then, so
that a process that dies in between costs a batch done twice. What a batch holds is read after its
outbox rows were: whatever changes later has a row of its own that comes later.

An index that does not fit the database (lost, damaged, of a backup, of other rules of folding) is
thrown away, and all mail enters the outbox again.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from django.conf import settings

from apps.mailstore.services import unindexed
from apps.mailstore.services.unindexed import Waiting
from apps.mime.searchtext import VERSION, SearchText
from apps.search import scanning, services
from apps.search.backends import index
from apps.search.backends.contract import Backend, Pair, Row, Stamp
from apps.search.scanning import Unread

logger = logging.getLogger(__name__)

BATCH: Final = 500
"""Messages written together: the fewer, the dearer each is; the more, the longer nobody sees
them."""
OCTETS: Final = 8 * 1024 * 1024
"""Octets of mail after which a batch ends early."""
DROPPED: Final = 5_000
_EPOCHS: Final = 1 << 62


class Step(Enum):
    """What one step came to."""

    DONE = "done"  # there may be more
    IDLE = "idle"  # nothing waits
    BUSY = "busy"  # somebody else is at it


@dataclass(slots=True)
class Batch:
    """What was read for a batch."""

    rows: list[Row] = field(default_factory=list)
    gone: list[Pair] = field(default_factory=list)
    away: int = 0  # pairs that cannot be read just now
    is_cut: bool = False  # ended early

    def __len__(self) -> int:
        return len(self.rows) + len(self.gone)

    def done(self) -> set[Pair]:
        return {*(row.pair for row in self.rows), *self.gone}


Work = Callable[[Callable[[], Batch]], Batch]
Clock = Callable[[], float]


def _directly(work: Callable[[], Batch]) -> Batch:
    return work()


class Indexer:
    """One run over the outbox.

    Args:
        work: calls what reads and writes a batch, perhaps on another thread. It is not used where
            the index is part of the database's own transaction.
    """

    def __init__(self, work: Work = _directly) -> None:
        self._backend: Backend = index()
        self._work = work
        self._after = 0
        self.indexed = 0

    def run(self, seconds: float, clock: Clock = time.monotonic) -> Step:
        """Work until nothing waits, or for some time."""
        deadline = clock() + seconds
        while (done := self.step()) is Step.DONE and clock() < deadline:
            pass
        return done

    def begin(self) -> Step:
        """Throw the index away; steps fill it anew."""
        with self._backend.turn() as mine:
            if not mine:
                return Step.BUSY
            self._begin(services.state(), self._backend.stamp())
        return Step.DONE

    def step(self) -> Step:
        """Do one thing that has to be done."""
        if not settings.SEARCH_INDEX:
            return self._put_away()
        with self._backend.turn() as mine:
            if not mine:
                return Step.BUSY
            state, stamp = services.state(), self._backend.stamp()
            if state is None or state.version != VERSION or not state.fits(stamp):
                self._begin(state, stamp)
            elif state.below is not None:
                services.enter_more(state.below)
            else:
                assert stamp is not None
                return self._batch(state, stamp)
        return Step.DONE

    def _begin(self, state: services.State | None, stamp: Stamp | None) -> None:
        """Begin anew. All committed rows of the outbox speak of mail that will enter it again."""
        if state is not None:
            logger.warning(
                "the search index is made anew",
                extra={"detail": f"index {stamp}, database {state}, version {VERSION}"},
            )
            services.end()
        while unindexed.drop(DROPPED) == DROPPED:
            pass
        epoch = secrets.randbelow(_EPOCHS)
        self._backend.begin(epoch)
        services.begin(epoch, VERSION)
        self._after = 0

    def _put_away(self) -> Step:
        """The index is switched off: nothing may be believed of it when it is on again."""
        if services.state() is not None:
            with self._backend.turn() as mine:
                if not mine:
                    return Step.BUSY
                services.end()
                self._backend.begin(0)
        return Step.DONE if unindexed.drop(DROPPED) == DROPPED else Step.IDLE

    def _batch(self, state: services.State, stamp: Stamp) -> Step:
        if stamp.number != state.number:  # written, and not settled: it still waits
            services.settle(stamp, [])
        waiting = unindexed.waiting(self._after, BATCH)
        if not waiting:
            return Step.IDLE
        batch = self._work(lambda: self._write(waiting))
        done = batch.done()
        written = Stamp(stamp.epoch, stamp.number + 1 if len(batch) else stamp.number)
        services.settle(
            written, [one.id for one in waiting if Pair(one.user_id, one.message_id) in done]
        )
        self.indexed += len(batch)
        if not batch.is_cut:
            self._after = waiting[-1].id
        return Step.DONE

    def _write(self, waiting: list[Waiting]) -> Batch:
        batch = read([Pair(one.user_id, one.message_id) for one in waiting])
        if len(batch):
            self._backend.write(batch.rows, batch.gone)
        if batch.away:
            logger.warning("mail cannot be indexed just now", extra={"messages": batch.away})
        return batch


def read(pairs: list[Pair]) -> Batch:
    """Read what the index is to know of pairs, or of the first of them if they are large."""
    batch, octets = Batch(), 0
    for pair, text, size in scanning.readings(pairs):
        if isinstance(text, SearchText):
            batch.rows.append(Row(pair, text))
        elif text is Unread.APART:
            batch.rows.append(Row(pair, None))
        elif text is Unread.GONE:
            batch.gone.append(pair)
        else:
            batch.away += 1
        octets += size
        if octets > OCTETS:
            batch.is_cut = True
            break
    return batch
