"""All open pages of one process: one ear on the event bus, and who is to be told what it hears."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final
from weakref import WeakKeyDictionary

from apps.events.hearing import Hearing
from apps.events.types import (
    EVERYBODY,
    DeliveryChanged,
    Event,
    EventsMissed,
    LooksChanged,
    MailboxChanged,
    MailboxesChanged,
    UserChanged,
)
from apps.webmail.live.feed import Feed
from apps.webmail.live.stream import DELIVERY, FOLDERS, Stream

logger = logging.getLogger(__name__)

MOST: Final = 2_000  # open pages of one process
_RECENT: Final = 10_000  # mailboxes of which the last change is remembered
_KINDS: Final = frozenset(
    {MailboxChanged, MailboxesChanged, UserChanged, DeliveryChanged, LooksChanged}
)


class Hub:
    """Made and used on one event loop. Its ear is open as long as any page is."""

    def __init__(self) -> None:
        self._feeds: dict[int, Feed] = {}
        self._watchers: dict[int, set[Feed]] = {}
        self._boxes: dict[Feed, frozenset[int]] = {}
        # Of mailboxes that nobody here was known to read when they changed: somebody's list may be
        # on its way from the database just then.
        self._recent: OrderedDict[int, int] = OrderedDict()
        self._hearing: Hearing | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return sum(len(feed) for feed in self._feeds.values())

    def open(self, stream: Stream) -> bool:
        """Let a page hear from now on; False if there are too many."""
        if len(self) >= MOST:
            return False
        if self._hearing is None:
            self._hearing = Hearing(_KINDS, self._hear)
            self._hearing.begin()
        user_id = stream.visit.user_id
        feed = self._feeds.get(user_id)
        if feed is None:
            feed = self._feeds[user_id] = Feed(user_id, self._knows)
        feed.join(stream)
        return True

    def close(self, stream: Stream) -> None:
        """It was closed, from whichever side. May be called again."""
        feed = self._feeds.get(stream.visit.user_id)
        if feed is None:
            return
        feed.leave(stream)
        if not len(feed):
            del self._feeds[feed.user_id]
            self._knows(feed, ())
            del self._boxes[feed]
            feed.close()
        if not self._feeds and self._hearing is not None:
            self._recent.clear()
            ending = asyncio.get_running_loop().create_task(self._hearing.end())
            self._closing.add(ending)
            ending.add_done_callback(self._closing.discard)
            self._hearing = None

    def _knows(self, feed: Feed, boxes: Iterable[int]) -> None:
        before, now = self._boxes.get(feed, frozenset()), frozenset(boxes)
        self._boxes[feed] = now
        for box in before - now:
            watchers = self._watchers[box]
            watchers.discard(feed)
            if not watchers:
                del self._watchers[box]
        for box in now - before:
            self._watchers.setdefault(box, set()).add(feed)
            place = feed.state.places.get(box) if feed.state is not None else None
            if place is not None and self._recent.get(box, 0) > place.modseq:
                feed.changed(box)

    def _hear(self, event: Event) -> None:
        if isinstance(event, MailboxChanged):
            self._remember(event)
            for feed in self._watchers.get(event.mailbox_id, ()):
                feed.changed(event.mailbox_id)
        elif isinstance(event, EventsMissed):
            for feed in self._feeds.values():
                feed.look()
                feed.check()
        elif isinstance(event, MailboxesChanged | UserChanged | DeliveryChanged | LooksChanged):
            for feed in self._of(event.user_id):
                _ACTS[type(event)](feed)

    def _of(self, user_id: int) -> list[Feed]:
        if user_id == EVERYBODY:
            return list(self._feeds.values())
        feed = self._feeds.get(user_id)
        return [] if feed is None else [feed]

    def _remember(self, event: MailboxChanged) -> None:
        newest = max(event.modseq, self._recent.pop(event.mailbox_id, 0))
        self._recent[event.mailbox_id] = newest
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)


_ACTS: Final[dict[type[Event], Callable[[Feed], None]]] = {
    MailboxesChanged: Feed.look,
    UserChanged: Feed.check,
    DeliveryChanged: lambda feed: feed.say(DELIVERY),
    LooksChanged: lambda feed: feed.say(FOLDERS),
}
_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub() -> Hub:
    """The one of the loop that runs."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
    return found
