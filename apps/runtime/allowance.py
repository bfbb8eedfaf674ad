"""How much memory connections may hold together for what is on its way to them.

Each of a thousand clients may send a large message: one bound per connection is a thousand times
too much for the process. Room is taken before the octets are asked for, whole, so that whoever
begins can finish; who finds none waits outside, with its octets in the kernel's buffers.

One event loop's thread only.
"""

from collections import Counter
from collections.abc import Callable

Wake = Callable[[], None]


class Allowance:
    """Octets for all, and of these at most so many for one user.

    Args:
        most: octets of all together.
        each: octets of one user: nobody shuts out the others.
    """

    __slots__ = ("_each", "_most", "_taken", "_waiting")

    def __init__(self, most: int, each: int) -> None:
        self._most = most
        self._each = each
        self._taken: Counter[int] = Counter()
        self._waiting: dict[Wake, None] = {}  # in the order they came

    @property
    def taken(self) -> int:
        """Octets that are taken now."""
        return self._taken.total()

    def take(self, size: int, user_id: int, wake: Wake) -> bool:
        """Take room; false if there is none now: `wake` is then called when there may be."""
        if self.taken + size > self._most or self._taken[user_id] + size > self._each:
            self._waiting[wake] = None
            return False
        self._waiting.pop(wake, None)
        self._taken[user_id] += size
        return True

    def give_back(self, size: int, user_id: int) -> None:
        """Give back what was taken."""
        self._taken[user_id] -= size
        if not self._taken[user_id]:
            del self._taken[user_id]
        for wake in list(self._waiting):
            wake()

    def leave(self, wake: Wake) -> None:
        """Wait no longer."""
        self._waiting.pop(wake, None)
