"""One open page, as the server sees it: what it has still to be told."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from apps.webmail.live.standing import Visit
from apps.webmail.live.state import Place, State, told

HEARTBEAT: Final = 20.0  # seconds; proxies cut what is silent for 60
RETRY_MS: Final = 3_000  # after which a browser comes again
_BEAT: Final = b":\n\n"

FOLDERS: Final = "folders"  # the list of mailboxes or labels is another
DELIVERY: Final = "delivery"  # something sent got further
SESSION: Final = "session"  # whoever looks has to sign in again
POLL: Final = "poll"  # too many pages: this one is to ask now and then


class Stream:
    """Holds at most one number for each mailbox, however slow the page reads.

    Args:
        since: the mark of the state that the page knows, "" if it knows none.
    """

    def __init__(self, visit: Visit, since: str = "") -> None:
        self.visit = visit
        self.is_new = True
        self._since = since
        self._places: dict[int, Place] = {}
        self._total = 0
        self._labels: Mapping[str, int] = {}
        self._words: set[str] = set()
        self._cursor = ""
        self._has_counts = False
        self._ended = False
        self._wake = asyncio.Event()

    def begin(self, state: State) -> None:
        """The first state: told whole, unless the page knows it already."""
        self.is_new = False
        cursor = state.cursor
        if cursor == self._since:
            return
        if self._since and self._since.partition("-")[0] != state.shape:
            self._words.add(FOLDERS)
        self.tell(state.places, state.total, state.labels, cursor)

    def tell(
        self, places: Mapping[int, Place], total: int, labels: Mapping[str, int], cursor: str
    ) -> None:
        """Of mailboxes that have changed, and all that is unread."""
        self._places.update(places)
        self._labels = labels
        self._total, self._cursor, self._has_counts = total, cursor, True
        self._wake.set()

    def say(self, word: str) -> None:
        """One of FOLDERS, DELIVERY."""
        self._words.add(word)
        self._wake.set()

    def end(self, word: str = "") -> None:
        """After what is still to be told, and this word."""
        if word:
            self._words.add(word)
        self._ended = True
        self._wake.set()

    async def frames(self) -> AsyncIterator[bytes]:
        """What to send, until the end; a comment now and then keeps the connection known."""
        yield f"retry: {RETRY_MS}\n\n".encode()
        while True:
            if frame := self._taken():
                yield frame
            if self._ended:
                return
            self._wake.clear()
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await self._wake.wait()
            except TimeoutError:
                yield _BEAT

    def _taken(self) -> bytes:
        words, self._words = sorted(self._words), set()
        frames = [_frame(word, {}) for word in words]
        if self._has_counts:
            # The mark comes last: who is cut off before it is told all of it again.
            data = told(self._places, self._total, self._labels)
            frames.append(_frame("counts", data, self._cursor))
            self._places, self._has_counts = {}, False
        return b"".join(frames)


def _frame(event: str, data: dict[str, Any], cursor: str = "") -> bytes:
    text = json.dumps(data, separators=(",", ":"))
    mark = f"id: {cursor}\n" if cursor else ""
    return f"event: {event}\n{mark}data: {text}\n\n".encode()
