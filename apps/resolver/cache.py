"""What was found, and what was not, for as long as its TTL says; bounded in number and octets.

Everybody who asks for a name while it is being looked up waits for the one look-up: a thousand
messages to a domain ask once. Failures are remembered too, for a short while (RFC 9520), so that a
dead name server is not asked for every message. Time is monotonic: a step of the clock neither
keeps nor drops anything.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from apps.resolver.base import Answer, DnsError

ENTRIES: Final = 20_000
OCTETS: Final = 16 << 20  # of records, about; an attacker's answers have 64 KiB each
LONGEST: Final = 3_600  # seconds: a moved server is found within the hour, whatever its TTL was
SHORTEST: Final = 5  # a TTL of 0 does not make a question of each message
LONGEST_DENIAL: Final = 300
OVERHEAD: Final = 400  # octets an entry takes beside its records

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer or a failure, how many seconds it holds, and how large it is."""

    outcome: Answer[Any] | DnsError
    seconds: float
    octets: int = 0


class Cache:
    """Belongs to one event loop."""

    def __init__(self, *, entries: int = ENTRIES, octets: int = OCTETS) -> None:
        self._most_entries, self._most_octets = entries, octets
        self._found: OrderedDict[Key, tuple[float, Entry]] = OrderedDict()
        self._octets = 0
        self._asking: dict[Key, asyncio.Task[Entry]] = {}

    async def get(
        self,
        key: Key,
        look_up: Callable[[], Awaitable[Entry]],
        over: Callable[[], None] | None = None,
    ) -> Answer[Any]:
        """What is known of `key`, else what `look_up` finds. Raises the DnsError that was found.

        Args:
            look_up: does not raise; it goes on when the caller is cancelled, for others may wait.
            over: called once nothing is looked up for this caller, be he gone or not.
        """
        now = time.monotonic()
        known = self._found.get(key)
        if known is not None and known[0] > now:
            self._found.move_to_end(key)
            if over is not None:
                over()
            return _open(known[1], known[0] - now)
        task = self._asking.get(key)
        if task is None:
            task = asyncio.ensure_future(self._ask(key, look_up))
            self._asking[key] = task
        if over is not None:
            task.add_done_callback(lambda _: over())
        entry = await asyncio.shield(task)
        return _open(entry, entry.seconds)

    def is_asking(self, key: Key) -> bool:
        """Whether somebody has a look-up going that others may wait for."""
        return key in self._asking

    def knows(self, key: Key) -> bool:
        """Whether `get` would answer without a look-up."""
        known = self._found.get(key)
        return known is not None and known[0] > time.monotonic()

    def __len__(self) -> int:
        return len(self._found)

    @property
    def octets(self) -> int:
        """What all entries take, about."""
        return self._octets

    async def _ask(self, key: Key, look_up: Callable[[], Awaitable[Entry]]) -> Entry:
        try:
            entry = await look_up()
        finally:
            del self._asking[key]
        self._forget(key)
        self._found[key] = (time.monotonic() + entry.seconds, entry)
        self._octets += entry.octets + OVERHEAD
        while len(self._found) > self._most_entries or self._octets > self._most_octets:
            self._forget(next(iter(self._found)))
        return entry

    def _forget(self, key: Key) -> None:
        known = self._found.pop(key, None)
        if known is not None:
            self._octets -= known[1].octets + OVERHEAD


def _open(entry: Entry, seconds: float) -> Answer[Any]:
    if isinstance(entry.outcome, DnsError):
        # A fresh copy: an exception that is raised again and again collects tracebacks.
        raise entry.outcome.copy()
    return replace(entry.outcome, ttl=max(0, int(seconds)))
