"""Events inside one machine: every hearer has a unix datagram socket in MAILHOST_DATA/run/events.

A hearer's socket file is named `KINDS-PID-TOKEN`, where KINDS has one letter for each kind of
event that it wants; publishers look into the folder and send. Nothing here ever waits: when a
hearer's queue is full (Linux holds 10 datagrams), the events are kept in a set per hearer, merged,
and sent again by a thread that sleeps until there is room. The file of a process that died refuses
the datagram and is removed.
"""

import errno
import os
import secrets
import select
import socket
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from apps.events.backends.inbox import Subscription, add
from apps.events.types import (
    AnnotationsChanged,
    DeliveryChanged,
    Event,
    EventsMissed,
    HeavyRang,
    HooksGathered,
    LooksChanged,
    MailboxChanged,
    MailboxesChanged,
    MessageJudged,
    OutgoingRang,
    QueueRang,
    UserChanged,
    decode,
    encode,
    merge,
)

# Letters, not names: the path of a unix socket has room for 107 octets.
_LETTERS: dict[type[Event], str] = {
    MailboxChanged: "m",
    MailboxesChanged: "l",
    AnnotationsChanged: "a",
    UserChanged: "u",
    QueueRang: "q",
    HeavyRang: "h",
    MessageJudged: "j",
    OutgoingRang: "o",
    DeliveryChanged: "d",
    LooksChanged: "w",
    HooksGathered: "k",
}
_LONGEST_PATH = 107
_EVENTS_PER_DATAGRAM = 500  # about 20 KB, far below the default socket buffer of 208 KB
_DATAGRAM = 64 * 1024
_DATAGRAMS_PER_TURN = 64
_AWAKE = 1.0  # seconds between looks of the thread that sends again
# A folder's time of change is as coarse as the kernel's tick: a listing that is younger than this
# may miss a file made in the same tick, and is not trusted again.
_TICK_NS = 20_000_000


class LocalBus:
    """The hearers of one folder. One object per process; safe to use from many threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._outlets: dict[str, _Outlet] = {}
        self._listed = -1
        self._resending = False

    def send(self, events: Sequence[Event]) -> int:
        """Offer `events` to who wants them; returns how many hearers took them at once."""
        with self._lock:
            heard = 0
            blocked = False
            for outlet in self._fresh_outlets():
                if outlet.offer(events):
                    heard += 1
                blocked = blocked or bool(outlet.dirty)
            if blocked and not self._resending:
                self._resending = True
                threading.Thread(target=self._resend, name="events-resend", daemon=True).start()
            return heard

    send_now = send

    async def count(self, kind: type[Event]) -> int:
        """See `bus.count`. A few microseconds for each hearer: nothing is sent."""
        with self._lock:
            return sum(one.hears(kind) and one.is_alive() for one in self._fresh_outlets())

    def listen(self, kinds: Collection[type[Event]]) -> "LocalInbox":
        return LocalInbox(_bind(self._folder, kinds), kinds)

    async def subscribe(
        self,
        loop: AbstractEventLoop,
        kinds: Collection[type[Event]],
        callback: Callable[[Event], None] | None,
    ) -> Subscription:
        bound, path = _bind(self._folder, kinds)
        subscription = Subscription(callback)
        wanted = frozenset(kinds)

        def readable() -> None:
            subscription.feed(_drain(bound, wanted))

        def close() -> None:
            loop.remove_reader(bound)
            bound.close()
            path.unlink(missing_ok=True)

        subscription.closes_with(close)
        loop.add_reader(bound, readable)
        return subscription

    def close(self) -> None:
        """Close the sockets towards hearers."""
        with self._lock:
            for outlet in self._outlets.values():
                outlet.close()
            self._outlets.clear()
            self._listed = -1

    def _fresh_outlets(self) -> list["_Outlet"]:
        try:
            changed = self._folder.stat().st_mtime_ns
        except OSError:
            return []  # nobody has ever listened
        if changed != self._listed:
            names = set(_names(self._folder))
            for name in self._outlets.keys() - names:
                self._outlets.pop(name).close()
            for name in names - self._outlets.keys():
                self._outlets[name] = _Outlet(self._folder / name)
            self._listed = changed if time.time_ns() - changed > _TICK_NS else -1
        return list(self._outlets.values())

    def _resend(self) -> None:
        """Runs on its own thread while any hearer is behind."""
        while True:
            with self._lock:
                behind = [outlet for outlet in self._outlets.values() if outlet.dirty]
                if not behind:
                    self._resending = False
                    return
                poll = select.poll()
                for outlet in behind:
                    poll.register(outlet.descriptor, select.POLLOUT)
            poll.poll(_AWAKE * 1000)
            with self._lock:
                for outlet in behind:
                    outlet.flush()


class _Outlet:
    """One hearer, seen from a publisher: a connected socket and what it has not taken yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kinds = {kind for kind, letter in _LETTERS.items() if letter in _letters(path.name)}
        self._kinds.add(EventsMissed)
        self._socket: socket.socket | None = None
        self.dirty: dict[tuple[str, int], Event] = {}

    @property
    def descriptor(self) -> int:
        return self._socket.fileno() if self._socket is not None else -1

    def offer(self, events: Iterable[Event]) -> bool:
        """Send the events of its kinds; true when there were some and it took all of them."""
        wanted = [event for event in events if type(event) in self._kinds]
        if not wanted:
            return False
        add(self.dirty, wanted)
        return self.flush()

    def hears(self, kind: type[Event]) -> bool:
        """Whether it wants events of that kind."""
        return kind in self._kinds

    def is_alive(self) -> bool:
        """Whether its process has the socket open, stopped or not; one that a killed process left
        goes. The connection that there is would tell only when something is sent."""
        try:
            self._connect().close()
        except OSError as error:
            self._gone(error)
            return False
        return True

    def flush(self) -> bool:
        """Send what waits; true when all of it was taken."""
        try:
            while self.dirty:
                keys = list(islice(self.dirty, _EVENTS_PER_DATAGRAM))
                self._connected().send(encode(self.dirty[key] for key in keys))
                for key in keys:
                    del self.dirty[key]
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.ENOBUFS, errno.EINTR}:
                self._gone(error)
            return False
        return True

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = self._connect()
        return self._socket

    def _connect(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            with _short(self._path) as name:
                made.connect(name)
        except OSError:
            made.close()
            raise
        return made

    def _gone(self, error: OSError) -> None:
        """Its process has died or stopped listening."""
        self.close()
        if error.errno == errno.ECONNREFUSED:
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        self.dirty.clear()
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class LocalInbox:
    """See `inbox.Inbox`."""

    def __init__(self, bound: tuple[socket.socket, Path], kinds: Collection[type[Event]]) -> None:
        self._socket, self._path = bound
        self._kinds = frozenset(kinds)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def wait(self, timeout: float) -> bool:
        return bool(self.read(timeout))

    def read(self, timeout: float) -> list[Event]:
        self._poll.poll(max(0.0, timeout) * 1000)
        return _drain(self._socket, self._kinds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)


def _bind(folder: Path, kinds: Collection[type[Event]]) -> tuple[socket.socket, Path]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    letters = "".join(sorted(_LETTERS[kind] for kind in kinds if kind in _LETTERS))
    path = folder / f"{letters}-{os.getpid()}-{secrets.token_hex(4)}"
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bound.setblocking(False)
    with _short(path) as name:
        bound.bind(name)
    path.chmod(0o600)
    return bound, path


def _drain(bound: socket.socket, kinds: Collection[type[Event]]) -> list[Event]:
    """What has arrived, merged; bounded, so that a flood cannot hold a loop."""
    events: dict[tuple[str, int], Event] = {}
    for _ in range(_DATAGRAMS_PER_TURN):
        try:
            raw = bound.recv(_DATAGRAM)
        except OSError:
            break
        wanted = (e for e in decode(raw) if type(e) in kinds or isinstance(e, EventsMissed))
        merge(events, wanted)
    return list(events.values())


def _names(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.count("-") == 2:
                yield entry.name


def _letters(name: str) -> str:
    return name[: name.index("-")]


class _short:  # noqa: N801 - used like a function
    """A name for a socket that fits the kernel's 107 octets, however deep the data folder lies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = -1

    def __enter__(self) -> str:
        if len(os.fsencode(self._path)) <= _LONGEST_PATH:
            return str(self._path)
        self._folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._folder}/{self._path.name}"

    def __exit__(self, *_: object) -> None:
        if self._folder >= 0:
            os.close(self._folder)
