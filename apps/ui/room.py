"""Memory for large messages on their way to browsers.

A message is read whole, and stays in memory until the last octet of it is sent. Whoever opens many
connections and reads slowly would hold as much as they like: 30 of one message of 40 MB took 1.9
GB. So room is taken before it is read, and given back when the answer is gone.
"""

import threading
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.http import HttpResponseBase
from django.utils.translation import gettext as _

from apps.wire.errors import Overloaded

MOST: Final = 512 * 1024 * 1024  # octets of one process
EACH: Final = 256 * 1024 * 1024  # octets of one person
SMALL: Final = 1024 * 1024  # octets of a message that is not counted
PATIENCE: Final = 10.0  # seconds that one waits for room


@dataclass(slots=True)
class Hold:
    """Room that is taken by `size` octets; given back at the end of `Room.taken`, unless an answer
    needs it for longer."""

    room: "Room"
    user_id: int
    size: int
    is_kept: bool = False

    def until_gone(self, answer: HttpResponseBase) -> None:
        """Keep it until the answer is closed: it was sent, or its client has left. One that Django
        never came to send is closed by nobody, but goes."""
        self.is_kept = True
        give_back = weakref.finalize(answer, self.room.give_back, self.user_id, self.size)
        answer._resource_closers.append(give_back)  # type: ignore[attr-defined]  # Django's own list


class Room:
    """What there is of it in this process. What is larger than all has to be alone."""

    def __init__(self, most: int, each: int) -> None:
        self._most = most
        self._each = each
        self._taken: Counter[int] = Counter()
        self._free = threading.Condition()

    @contextmanager
    def taken(self, user_id: int, size: int) -> Iterator[Hold]:
        """Wait for room, and have it.

        Raises:
            Overloaded: there was none in time.
        """
        hold = Hold(self, user_id, size if size > SMALL else 0)
        with self._free:
            if not self._free.wait_for(lambda: self._has(hold), PATIENCE):
                raise Overloaded(
                    text=_("Too many large messages are being sent: try again in a minute")
                )
            self._taken[user_id] += hold.size
        try:
            yield hold
        finally:
            if not hold.is_kept:
                self.give_back(user_id, hold.size)

    def give_back(self, user_id: int, size: int) -> None:
        """Let others have it."""
        with self._free:
            self._taken[user_id] -= size
            if not self._taken[user_id]:
                del self._taken[user_id]
            self._free.notify_all()

    def _has(self, hold: Hold) -> bool:
        mine, all_of_it = self._taken[hold.user_id], self._taken.total()
        return not hold.size or (
            (not mine or mine + hold.size <= self._each)
            and (not all_of_it or all_of_it + hold.size <= self._most)
        )


ROOM: Final = Room(MOST, EACH)
