"""Who may connect: connections counted per client address, per user and in all.

Only connections that have not signed in count against an address, and an address is a /64 for IPv6
(a customer has at least that many). At the limit a newcomer is not simply turned away: the oldest
connection of that address that has said nothing yet makes room for it, or else the one that has
been idle the longest. Otherwise whoever opens 50 connections behind a shared address and says
nothing would lock out everybody there, for as long as the doors wait for a first word. Whoever
speaks keeps their place.

Counted per process: with N listener processes each has its own book. One event loop's thread only.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache

# A connection that has spoken makes room only when it has been idle this long (seconds): honest
# clients think less than this between two commands, and one that is being served is not idle
# (`busy`).
IDLE = 5.0


class Lease:
    """One connection's place. Its holder says what happens, and gives it back in the end."""

    __slots__ = ("_book", "_evict", "_place", "_user", "address", "busy", "door", "last_heard")

    def __init__(self, book: "Connections", address: str, door: str, place: "_Place") -> None:
        self._book = book
        self._place: _Place | None = place
        self._user: int | None = None
        self._evict: Callable[[], None] | None = None
        self.address = address
        self.door = door
        self.last_heard = 0.0
        self.busy = False  # set by its holder while a command runs: then it is not idle

    def closes_with(self, evict: Callable[[], None]) -> None:
        """`evict` is called when this connection has to make room; it must lead to `release`."""
        self._evict = evict

    def heard(self) -> None:
        """The peer said something."""
        if self._place is not None:
            self._book._heard(self, self._place)

    def signed_in(self, user_id: int) -> bool:
        """From here on it counts for the user, and no longer for the address.

        Returns false, and changes nothing, when the user has too many connections already.
        """
        return self._book._signed_in(self, user_id)

    def signed_out(self) -> None:
        """From here on it counts for the address again."""
        self._book._signed_out(self)

    def release(self) -> None:
        """The connection is closed. May be called again."""
        self._book._release(self)

    @property
    def is_signed_in(self) -> bool:
        return self._user is not None


class _Place:
    """Connections of one address at one door that have not signed in, oldest first."""

    __slots__ = ("key", "silent", "spoken")

    def __init__(self, key: tuple[str, str]) -> None:
        self.key = key
        self.silent: OrderedDict[Lease, None] = OrderedDict()
        self.spoken: OrderedDict[Lease, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self.silent) + len(self.spoken)


class Connections:
    """The book of all connections of this process.

    Args:
        per_address: connections without sign-in, per client address and door.
        total: connections of the whole process.
        per_user: signed-in connections of one user, all doors together.
        on_release: called with each lease that ends.
    """

    def __init__(
        self,
        per_address: int,
        total: int,
        per_user: int = 1_000_000,
        on_release: Callable[[Lease], None] | None = None,
    ) -> None:
        self._on_release = on_release
        self._per_address = per_address
        self._per_user = per_user
        self._total = total
        self._places: dict[tuple[str, str], _Place] = {}
        self._silent: OrderedDict[Lease, None] = OrderedDict()
        self._users: dict[int, int] = {}
        self._open: set[Lease] = set()

    def __len__(self) -> int:
        return len(self._open)

    def leases(self) -> list[Lease]:
        """All that are open."""
        return list(self._open)

    def users_connections(self, user_id: int) -> int:
        """Signed-in connections of the user."""
        return self._users.get(user_id, 0)

    def admit(self, address: str, door: str) -> Lease | None:
        """A place for a new connection from `address`, or None when there is none to be had."""
        key = (network_of(address), door)
        place = self._places.get(key) or _Place(key)
        if len(place) >= self._per_address and not self._make_room(place):
            return None
        if len(self._open) >= self._total and not self._make_room_in_all():
            return None
        # Making room may have emptied the place and taken it off the book.
        place = self._places.setdefault(key, place)
        lease = Lease(self, address, door, place)
        place.silent[lease] = None
        self._silent[lease] = None
        self._open.add(lease)
        return lease

    def _make_room(self, place: _Place) -> bool:
        if place.silent:
            self._evict(next(iter(place.silent)))
            return True
        deadline = time.monotonic() - IDLE
        for lease in place.spoken:  # the longest idle first
            if lease.last_heard > deadline:
                return False
            if not lease.busy:
                self._evict(lease)
                return True
        return False

    def _make_room_in_all(self) -> bool:
        if not self._silent:
            return False
        self._evict(next(iter(self._silent)))
        return True

    def _evict(self, lease: Lease) -> None:
        evict = lease._evict
        self._release(lease)  # its place is free at once, its socket when it has said goodbye
        if evict is not None:
            evict()

    def _heard(self, lease: Lease, place: _Place) -> None:
        lease.last_heard = time.monotonic()
        if lease in place.spoken:
            place.spoken.move_to_end(lease)
        else:
            place.silent.pop(lease, None)
            self._silent.pop(lease, None)
            place.spoken[lease] = None

    def _signed_in(self, lease: Lease, user_id: int) -> bool:
        if lease not in self._open:
            return True  # it is being closed; there is nothing left to count
        if self._users.get(user_id, 0) >= self._per_user:
            return False
        self._leave_place(lease)
        self._leave_user(lease)
        lease._user = user_id
        self._users[user_id] = self._users.get(user_id, 0) + 1
        return True

    def _signed_out(self, lease: Lease) -> None:
        if lease not in self._open or lease._user is None:
            return
        self._leave_user(lease)
        key = (network_of(lease.address), lease.door)
        lease._place = self._places.setdefault(key, _Place(key))
        self._heard(lease, lease._place)

    def _release(self, lease: Lease) -> None:
        if lease in self._open:
            self._open.discard(lease)
            self._leave_place(lease)
            self._leave_user(lease)
            if self._on_release is not None:
                self._on_release(lease)

    def _leave_place(self, lease: Lease) -> None:
        place, lease._place = lease._place, None
        if place is None:
            return
        place.silent.pop(lease, None)
        place.spoken.pop(lease, None)
        self._silent.pop(lease, None)
        if not len(place):
            self._places.pop(place.key, None)

    def _leave_user(self, lease: Lease) -> None:
        user, lease._user = lease._user, None
        if user is None:
            return
        left = self._users[user] - 1
        if left:
            self._users[user] = left
        else:
            del self._users[user]


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
