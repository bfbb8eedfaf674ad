"""The mailboxes this process knows: reads them into mirrors, keeps them warm, hears of changes.

One `Mirrors` per event loop. Events are hints: whoever needs the truth awaits `refresh`, which asks
the database for what has a larger modseq. Sessions that idle are told at once, and of a flood at
most ten times a second. A mailbox nobody has selected stays warm while it is among the last used,
`WARM_ROWS` messages in all; one that was deleted is told to all who have it and forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field

from apps.events.types import Event, EventsMissed, MailboxChanged
from apps.imap.selected.columns import Shelf
from apps.imap.selected.mirror import Mirror, Row
from apps.imap.selected.recents import Recents
from apps.mailstore import queries
from apps.mailstore.queries import Changes, Counters, Snapshot
from apps.runtime.db import in_db, is_sqlite
from apps.runtime.glance import glance
from apps.wire.errors import MailError, NotFound

logger = logging.getLogger(__name__)

WARM_ROWS = 400_000
"""Messages of mailboxes nobody has selected, 25 octets each: 10 MB."""
EMPTY_ROWS = 100
"""What a mailbox costs beside its messages, in messages: so many empty ones are bounded too."""
PAUSE = 0.025
"""Seconds between two looks at a mailbox on behalf of those who idle: a flood of deliveries is told
in lumps. The first of them is told at once, and none waits so long that a person would see it."""
HEAL = 20.0
"""Seconds between two looks at all mailboxes in which somebody idles, one statement for all: events
may get lost."""
AT_ONCE = 5_000
"""Changes that are taken into a mirror in some milliseconds."""
LOOKS = 16
"""Mailboxes looked at at once on behalf of those who idle, when all of them may have changed."""


@dataclass(slots=True, eq=False)
class Held:
    """A mirror with who uses it. `idlers` are woken when there is news.

    is_stale: the mirror may be behind; `doubt` and `trust` set it.
    heard: the largest modseq heard of since it was trusted, and no other reason to doubt it; 0 for
        none, -1 if there is another reason.
    """

    mirror: Mirror
    users: int = 0
    is_stale: bool = False
    is_loaded: bool = False
    is_gone: bool = False  # the mailbox was deleted: sessions that have it end
    idlers: set[Callable[[], None]] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: int = 0
    answered: int = 0
    claiming: asyncio.Lock = field(default_factory=asyncio.Lock)
    looked: float = 0.0
    look: asyncio.TimerHandle | None = None
    heard: int = 0

    def doubt(self, modseq: int | None = None) -> None:
        """Somebody changed the mailbox, up to this modseq, or nobody knows what has happened."""
        is_known = modseq is not None and self.heard >= 0
        self.heard = max(self.heard, modseq or 0) if is_known else -1
        self.is_stale = True

    def trust(self) -> None:
        """The mirror holds all that is known of."""
        self.is_stale, self.heard = False, 0


@dataclass(frozen=True, slots=True)
class Done:
    """What a service changed in a mailbox, and committed.

    modseqs: those that its transactions took, rising; each message changed by them is in `rows`
        or in `expunged`.
    rows: others may be among them, as they were then.
    uidnext: as the change left it, 0 if it added nothing.
    """

    modseqs: Sequence[int]
    rows: Sequence[Row] = ()
    expunged: Sequence[int] = ()
    keyword_names: tuple[str, ...] = ()
    uidnext: int = 0


class Mirrors:
    """All mirrors of one process."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}
        self._warm: dict[int, int] = {}  # those without users, the last used last -> their rows
        self._warm_rows = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._looks = asyncio.Semaphore(LOOKS)
        self._recents = Recents()
        self._healing: asyncio.TimerHandle | None = None
        self.listeners: set[Callable[[Event], None]] = set()
        """Who hears every event that this process does; they must not wait."""
        self.shelf = Shelf()
        """What is kept of messages to search and sort by."""

    async def open(self, mailbox_id: int, counters: Counters) -> Held:
        """Return the mailbox, up to date; give it back with `close`.

        Args:
            counters: just read: a mirror that agrees with them needs no look of its own.

        Raises:
            NotFound: it is gone.
        """
        held = self._held.get(mailbox_id)
        if held is None:
            held = self._held[mailbox_id] = Held(Mirror(mailbox_id))
        self._warm_rows -= self._warm.pop(mailbox_id, 0)
        held.users += 1
        if self._healing is None:
            self._heal_later()
        try:
            if not held.is_loaded or held.mirror.modseq < counters.highestmodseq:
                await self.refresh(held)
        except BaseException:
            self.close(held)
            raise
        held.mirror.learn_counters(counters.uidnext, counters.recent_floor)
        return held

    def close(self, held: Held) -> None:
        """Give a mailbox back."""
        held.users -= 1
        if held.users:
            return
        if held.look is not None:
            held.look.cancel()
            held.look = None
        if held.is_gone or not held.is_loaded:
            self._forget(held)
            return
        rows = self._warm[held.mirror.mailbox_id] = EMPTY_ROWS + len(held.mirror)
        self._warm_rows += rows
        while self._warm_rows > WARM_ROWS:
            oldest = next(iter(self._warm))
            self._warm_rows -= self._warm.pop(oldest)
            self._forget(self._held[oldest])

    async def refresh(self, held: Held) -> None:
        """Bring the mirror up to what was committed before this call.

        Many may ask at once: whoever waits for a read that began after asking needs none itself.

        Raises:
            NotFound: the mailbox is gone, for good.
        """
        if held.is_loaded and is_sqlite() and await _is_current(held.mirror):
            held.trust()
            return
        ticket = held.asked = held.asked + 1
        async with held.lock:
            if held.answered >= ticket:
                return
            answering = held.asked
            held.trust()
            try:
                await self._read(held)
            except BaseException as error:
                held.doubt()
                if isinstance(error, NotFound):
                    self._bury(held)
                raise
            held.answered = answering
        _wake(held)

    async def advance(self, held: Held, done: Done) -> bool:
        """As `refresh` after a change of our own, which need not be read back if nobody changed
        anything in between.

        Modseqs rise by one with each transaction that changes a mailbox: those that follow the
        mirror's without a gap are all there is. While a read is under way it must not be
        overtaken: what it found before our change would be taken for what came after.

        Returns:
            Whether nobody did.
        """
        mirror = held.mirror
        known, count = mirror.modseq, len(done.modseqs)
        follows = list(done.modseqs) == list(range(known + 1, known + 1 + count))
        if not (held.is_loaded and count and follows) or held.lock.locked():
            await self.refresh(held)
            return False
        if done.keyword_names:
            mirror.learn_keywords(_names(done.keyword_names))
        mirror.learn_counters(done.uidnext, mirror.recent_floor)
        mirror.apply(done.rows, done.expunged, known + count)
        if 0 < held.heard <= mirror.modseq:  # it was our own change that was heard of
            held.trust()
        _wake(held)
        return True

    async def claim_recent(self, held: Held, end: int) -> int:
        """Make the messages below UID `end` that are \\Recent to nobody the caller's own.

        Returns:
            The first of them; `end` if others were told of all.
        """
        mirror = held.mirror
        if mirror.recent_floor >= end:
            return end
        async with held.claiming:
            if mirror.recent_floor >= end:
                return end
            try:
                floor = await self._recents.claim(mirror.mailbox_id, end)
            except MailError as error:  # the next session that is told of them has them
                logger.info("recent messages not noted", extra={"detail": str(error)})
                return end
            mirror.recent_floor = max(mirror.recent_floor, end)
            return floor

    def hear(self, event: Event) -> None:
        """Take a hint from the event bus."""
        if isinstance(event, MailboxChanged):
            held = self._held.get(event.mailbox_id)
            if held is not None and event.modseq > held.mirror.modseq:
                self._hear_of(held, event.modseq)
        elif isinstance(event, EventsMissed):
            for held in self._held.values():
                self._hear_of(held)
        for listener in list(self.listeners):
            listener(event)

    async def settle(self) -> None:
        """Wait for what still runs; for the end of the process."""
        if self._healing is not None:
            self._healing.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._recents.settle()

    # -- inside -----------------------------------------------------------------------------------

    def _heal_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._healing = loop.call_later(HEAL, lambda: self._start(self._heal()))

    async def _heal(self) -> None:
        """Look whether events were lost; goes on as long as anything is selected."""
        self._healing = None
        waited = [held for held in self._held.values() if held.idlers and held.is_loaded]
        try:
            ids = [held.mirror.mailbox_id for held in waited]
            found = await in_db("read", queries.status, ids) if ids else {}
            for held in waited:
                counters = found.get(held.mirror.mailbox_id)
                if counters is None or counters.highestmodseq > held.mirror.modseq:
                    self._hear_of(held)
        except MailError as error:
            logger.info("no news for now", extra={"detail": str(error)})
        if self._healing is None and any(held.users for held in self._held.values()):
            self._heal_later()

    def _hear_of(self, held: Held, modseq: int | None = None) -> None:
        held.doubt(modseq)
        if held.idlers and held.look is None:
            loop = asyncio.get_running_loop()
            held.look = loop.call_at(max(loop.time(), held.looked + PAUSE), self._look, held)

    def _look(self, held: Held) -> None:
        held.look = None
        held.looked = asyncio.get_running_loop().time()
        self._start(self._refresh_quietly(held))

    async def _refresh_quietly(self, held: Held) -> None:
        async with self._looks:
            try:
                await self.refresh(held)
            except MailError as error:
                logger.info("no news for now", extra={"detail": str(error)})

    async def _read(self, held: Held) -> None:
        mirror = held.mirror
        if held.is_loaded:
            counters, changes = await in_db("read", _changes, mirror.mailbox_id, mirror.modseq)
            if changes is None or changes.complete:
                if changes is not None:
                    mirror.learn_keywords(_names(changes.keyword_names))
                    await _apply(mirror, changes.changed, changes.expunged, changes.highestmodseq)
                mirror.learn_counters(counters.uidnext, counters.recent_floor)
                return
        await self._take(held, await in_db("read", queries.snapshot, mirror.mailbox_id))

    async def _take(self, held: Held, snapshot: Snapshot) -> None:
        """Take a whole mailbox: the first time, or when expunges were forgotten meanwhile."""
        mirror, counters = held.mirror, snapshot.counters
        mirror.learn_keywords(_names(snapshot.keyword_names))
        if held.is_loaded:
            gone = set(mirror.uids).difference(snapshot.uids)
            rows = zip(
                snapshot.uids, snapshot.flags, snapshot.keywords, snapshot.modseqs, strict=True
            )
            await _apply(mirror, list(rows), gone, counters.highestmodseq)
        else:
            mirror.uids, mirror.flags = snapshot.uids, bytearray(snapshot.flags.tolist())
            mirror.keywords, mirror.modseqs = snapshot.keywords, snapshot.modseqs
            mirror.modseq, mirror.uidvalidity = counters.highestmodseq, counters.uidvalidity
            held.is_loaded = True
        mirror.learn_counters(counters.uidnext, counters.recent_floor)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _bury(self, held: Held) -> None:
        """The mailbox was deleted: whoever opens it anew gets the answer of the database."""
        held.is_gone = True
        self._forget(held)
        _wake(held)

    def _forget(self, held: Held) -> None:
        mailbox_id = held.mirror.mailbox_id
        if self._held.get(mailbox_id) is held:
            del self._held[mailbox_id]
            self._warm_rows -= self._warm.pop(mailbox_id, 0)


async def _apply(
    mirror: Mirror, rows: Sequence[Row], expunged: Collection[int], modseq: int
) -> None:
    """Bring the mirror to `modseq`, by who has its lock; of many changes the most is done on a
    thread, and others see all of them at once or none."""
    if len(rows) + len(expunged) <= AT_ONCE:
        mirror.apply(rows, expunged, modseq)
    else:
        mirror.adopt(await in_db("read", mirror.ahead, rows, expunged), modseq)


def _wake(held: Held) -> None:
    for wake in list(held.idlers):
        wake()


async def _is_current(mirror: Mirror) -> bool:
    """Whether nothing was committed since the mirror was read; the usual case, asked cheaply."""
    highest = await glance(queries.highest_modseq, mirror.mailbox_id)
    return highest == mirror.modseq


def _changes(mailbox_id: int, modseq: int) -> tuple[Counters, Changes | None]:
    """What is new; None, after one query, in the usual case that nothing is."""
    counters = queries.status([mailbox_id]).get(mailbox_id)
    if counters is None:
        raise NotFound(text="The mailbox has been deleted")
    if counters.highestmodseq == modseq:
        return counters, None
    return counters, queries.changes_since(mailbox_id, modseq)


def _names(names: tuple[str, ...]) -> dict[int, str]:
    return {bit: name for bit, name in enumerate(names) if name}
