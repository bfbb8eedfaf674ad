"""One user whose pages are open: hears hints, reads what is true, and tells every page of theirs
the difference."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from apps.mailstore import labelled
from apps.runtime.db import in_db
from apps.webmail.live import state as states
from apps.webmail.live.standing import Visit, stands
from apps.webmail.live.state import Place, State
from apps.webmail.live.stream import FOLDERS, POLL, SESSION, Stream
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

MOST: Final = 12  # open pages of one user in one process
CHECK: Final = 45.0  # seconds between looks that nobody asked for: hints may be lost
_GAP: Final = 0.25  # seconds between two tidings: what comes meanwhile is told together
_AGAIN: Final = 2.0  # seconds until the database is asked again that did not answer


@dataclass(slots=True)
class _Wanted:
    """What is to be read at the next turn."""

    boxes: set[int] = field(default_factory=set)
    whole: bool = False
    check: bool = False

    def add(self, other: "_Wanted") -> None:
        self.boxes |= other.boxes
        self.whole = self.whole or other.whole
        self.check = self.check or other.check


@dataclass(frozen=True, slots=True)
class _Read:
    state: State | None
    some: dict[int, Place]
    labels: dict[str, int]
    gone: frozenset[Visit]


class Feed:
    """The streams of one user.

    Args:
        knows: called with the user's mailboxes whenever they have been read.
    """

    def __init__(self, user_id: int, knows: Callable[["Feed", Iterable[int]], None]) -> None:
        self.user_id = user_id
        self.state: State | None = None
        self._knows = knows
        self._streams: list[Stream] = []
        self._wanted = _Wanted(whole=True)
        self._wake = asyncio.Event()
        self._checked_at = time.monotonic()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def __len__(self) -> int:
        return len(self._streams)

    def join(self, stream: Stream) -> None:
        """One more page; of too many the one that was opened first is sent away."""
        if len(self._streams) >= MOST:
            self._streams.pop(0).end(POLL)
        self._streams.append(stream)
        self.look()

    def leave(self, stream: Stream) -> None:
        """A page was closed; nothing if it has left already."""
        with suppress(ValueError):
            self._streams.remove(stream)

    def close(self) -> None:
        """Nobody is left."""
        self._task.cancel()

    def changed(self, mailbox_id: int) -> None:
        """Something in this mailbox did."""
        self._wanted.boxes.add(mailbox_id)
        self._wake.set()

    def look(self) -> None:
        """Read everything: the list of mailboxes may be another, or hints were lost."""
        self._wanted.whole = True
        self._wake.set()

    def check(self) -> None:
        """Somebody may have to leave."""
        self._wanted.check = True
        self._wake.set()

    def say(self, word: str) -> None:
        """Tell all pages one of the words of `stream`."""
        for stream in self._streams:
            stream.say(word)

    async def _run(self) -> None:
        while True:
            due = self._checked_at + CHECK - time.monotonic()
            try:
                async with asyncio.timeout(max(0.0, due)):
                    await self._wake.wait()
            except TimeoutError:
                self._wanted.whole = True
            if time.monotonic() - self._checked_at >= CHECK:
                self._wanted.check = True
            self._wake.clear()
            await asyncio.sleep(_GAP if await self._turn() else _AGAIN)

    async def _turn(self) -> bool:
        """Read what is wanted and tell it; False if it could not be read, and is wanted still."""
        wanted, self._wanted = self._wanted, _Wanted()
        visits: Sequence[Visit] = ()
        if wanted.check:
            self._checked_at = time.monotonic()
            visits = list({stream.visit: None for stream in self._streams})
        boxes = None if wanted.whole else sorted(wanted.boxes)
        try:
            read = await in_db("read", _read, self.user_id, boxes, visits)
        except MailError as error:
            logger.warning("open pages are told late", extra={"detail": error.detail})
        except Exception:
            # Whatever it is: without this task the pages would hear nothing more, not even an end.
            logger.exception("open pages are told late")
        else:
            self._take(read)
            return True
        self._wanted.add(wanted)
        self._wake.set()
        return False

    def _take(self, read: _Read) -> None:
        for stream in [one for one in self._streams if one.visit in read.gone]:
            self._streams.remove(stream)
            stream.end(SESSION)
        before = self.state
        if read.state is not None:
            self.state = read.state
            self._knows(self, read.state.places)
        elif before is not None and read.some:
            mine = {box: place for box, place in read.some.items() if box in before.places}
            self.state = before.with_news(mine, read.labels)
        if self.state is not None:
            self._tell(before, self.state)

    def _tell(self, before: State | None, now: State) -> None:
        known = before.places if before is not None else {}
        news = {box: place for box, place in now.places.items() if known.get(box) != place}
        is_other = before is not None and before.shape != now.shape
        cursor, total = (now.cursor, now.total) if news or is_other else ("", 0)
        for stream in self._streams:
            if stream.is_new:
                stream.begin(now)
                continue
            if is_other:
                stream.say(FOLDERS)
            if news or is_other:
                stream.tell(news, total, now.labels, cursor)


def _read(user_id: int, boxes: Sequence[int] | None, visits: Sequence[Visit]) -> _Read:
    """On a thread of the database's.

    Args:
        boxes: None for all.
        visits: those that may have to leave.
    """
    gone = frozenset(visit for visit in visits if not stands(visit))
    if boxes is None:
        return _Read(states.read(user_id), {}, {}, gone)
    if not boxes:
        return _Read(None, {}, {}, gone)
    return _Read(None, states.some(boxes), labelled.unread(user_id), gone)
