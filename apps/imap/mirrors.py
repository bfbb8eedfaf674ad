"""The mailboxes this process knows: reads them into mirrors, keeps them warm, hears of changes.

One `Mirrors` per event loop. Events are hints: whoever needs the truth awaits `refresh`, which asks
the database for what has a larger modseq. A mailbox nobody has selected stays warm while it is
among the last used, `WARM_ROWS` messages in all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from apps.events.types import Event, EventsMissed, MailboxChanged
from apps.imap.mirror import Mirror
from apps.mailstore import queries
from apps.mailstore.queries import Changes, Snapshot
from apps.mailstore.services import recent
from apps.runtime.db import in_db, is_sqlite
from apps.runtime.glance import glance
from apps.wire.errors import MailError, NotFound

logger = logging.getLogger(__name__)

WARM_ROWS = 400_000
"""Messages of mailboxes nobody has selected, 25 octets each: 10 MB."""


@dataclass(slots=True, eq=False)
class Held:
    """A mirror with who uses it. `idlers` are woken when there is news."""

    mirror: Mirror
    users: int = 0
    is_stale: bool = False
    is_loaded: bool = False
    idlers: set[Callable[[], None]] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: int = 0
    answered: int = 0
    claimed: int = 0


class Mirrors:
    """All mirrors of one process."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, mailbox_id: int, modseq: int) -> Held:
        """Return the mailbox, up to date; give it back with `close`.

        Args:
            modseq: the mailbox's highest, just read: a mirror that has it needs no look of its own.

        Raises:
            NotFound: it is gone.
        """
        held = self._held.pop(mailbox_id, None) or Held(Mirror(mailbox_id))
        self._held[mailbox_id] = held  # the last used comes last
        held.users += 1
        try:
            if not held.is_loaded or held.mirror.modseq < modseq:
                await self.refresh(held)
        except BaseException:
            self.close(held)
            raise
        return held

    def close(self, held: Held) -> None:
        """Give a mailbox back."""
        held.users -= 1
        if held.users:
            return
        if held.is_loaded:
            self._start(self._keep_claim(held))
        else:
            self._forget(held)
        warm = sum(len(one.mirror) for one in self._held.values() if not one.users)
        for one in [one for one in self._held.values() if not one.users]:
            if warm <= WARM_ROWS:
                break
            warm -= len(one.mirror)
            self._forget(one)

    async def refresh(self, held: Held) -> None:
        """Bring the mirror up to what was committed before this call.

        Many may ask at once: whoever waits for a read that began after asking needs none itself.

        Raises:
            NotFound: the mailbox is gone.
        """
        if held.is_loaded and is_sqlite() and await _is_current(held.mirror):
            held.is_stale = False
            return
        ticket = held.asked = held.asked + 1
        async with held.lock:
            if held.answered >= ticket:
                return
            answering = held.asked
            held.is_stale = False
            try:
                await self._read(held)
            except BaseException as error:
                held.is_stale = True
                if isinstance(error, NotFound):
                    self._forget(held)
                raise
            held.answered = answering
        for wake in list(held.idlers):
            wake()

    def hear(self, event: Event) -> None:
        """Take a hint from the event bus."""
        if isinstance(event, MailboxChanged):
            held = self._held.get(event.mailbox_id)
            if held is not None and event.modseq > held.mirror.modseq:
                self._hear_of(held)
        elif isinstance(event, EventsMissed):
            for held in self._held.values():
                self._hear_of(held)

    def _hear_of(self, held: Held) -> None:
        held.is_stale = True
        if held.idlers:
            self._start(self._refresh_quietly(held))

    async def keep_claims(self) -> None:
        """Write down what is \\Recent to no one any more; for the end of the process."""
        for held in list(self._held.values()):
            await self._keep_claim(held)
        if self._tasks:
            await asyncio.wait(self._tasks)

    # -- inside -----------------------------------------------------------------------------------

    async def _read(self, held: Held) -> None:
        mirror = held.mirror
        if held.is_loaded:
            changes = await in_db("read", _changes, mirror.mailbox_id, mirror.modseq)
            if changes is None:
                return
            if changes.complete:
                mirror.learn_keywords(_names(changes.keyword_names))
                mirror.apply(changes.changed, changes.expunged, changes.highestmodseq)
                return
        self._take(held, await in_db("read", queries.snapshot, mirror.mailbox_id))

    def _take(self, held: Held, snapshot: Snapshot) -> None:
        """Take a whole mailbox: the first time, or when expunges were forgotten meanwhile."""
        mirror, counters = held.mirror, snapshot.counters
        mirror.learn_keywords(_names(snapshot.keyword_names))
        if held.is_loaded:
            gone = set(mirror.uids).difference(snapshot.uids)
            rows = zip(
                snapshot.uids, snapshot.flags, snapshot.keywords, snapshot.modseqs, strict=True
            )
            mirror.apply(rows, gone, counters.highestmodseq)
        else:
            mirror.uids, mirror.flags = snapshot.uids, bytearray(snapshot.flags.tolist())
            mirror.keywords, mirror.modseqs = snapshot.keywords, snapshot.modseqs
            mirror.uidnext, mirror.modseq = counters.uidnext, counters.highestmodseq
            mirror.uidvalidity = counters.uidvalidity
            mirror.recent_floor = held.claimed = counters.recent_floor
            held.is_loaded = True

    def _start(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _refresh_quietly(self, held: Held) -> None:
        try:
            await self.refresh(held)
        except MailError as error:
            logger.info("no news for now", extra={"detail": str(error)})

    async def _keep_claim(self, held: Held) -> None:
        """Losing this shows a message as \\Recent once more: RFC 3501 section 2.3.2 allows it."""
        floor = held.mirror.recent_floor
        if floor <= held.claimed:
            return
        held.claimed = floor
        try:
            await in_db("work", recent.claim, mailbox_id=held.mirror.mailbox_id, floor=floor)
        except MailError as error:
            logger.info("recent messages not noted", extra={"detail": str(error)})

    def _forget(self, held: Held) -> None:
        if self._held.get(held.mirror.mailbox_id) is held:
            del self._held[held.mirror.mailbox_id]


async def _is_current(mirror: Mirror) -> bool:
    """Whether nothing was committed since the mirror was read; the usual case, asked cheaply."""
    highest = await glance(queries.highest_modseq, mirror.mailbox_id)
    return highest == mirror.modseq


def _changes(mailbox_id: int, modseq: int) -> Changes | None:
    """What is new; None, after one query, in the usual case that nothing is."""
    counters = queries.status([mailbox_id]).get(mailbox_id)
    if counters is None:
        raise NotFound(text="The mailbox is gone")
    if counters.highestmodseq == modseq:
        return None
    return queries.changes_since(mailbox_id, modseq)


def _names(names: tuple[str, ...]) -> dict[int, str]:
    return {bit: name for bit, name in enumerate(names) if name}
