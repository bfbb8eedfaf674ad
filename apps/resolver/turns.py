"""Whose question is asked now: so many at a time in all, and few of them for one zone or one asker.

A question that nobody answers holds its place for seconds. Senders choose what we ask for: without
bounds of their own, one stranger or one dead domain would fill all places, and the look-ups for
everybody else's mail would end in "temporary failure", which takes mail unchecked.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

TOTAL: Final = 256  # each has a socket
OF_ONE: Final = 32  # a zone that answers within 50 ms gets 600 answers a second

_LABELS: Final = 2
_SHORT: Final = 3  # letters: in co.uk and com.au names are registered one label further down
_REVERSE_LABELS: Final = {"in-addr.arpa": 5, "ip6.arpa": 10}  # a /24, a /32


@dataclass(slots=True)
class _Line:
    """Places for something, and how many have one or wait for one."""

    places: asyncio.Semaphore
    members: int = 0


class Turns:
    """Belongs to one event loop."""

    def __init__(self, total: int = TOTAL, of_one: int = OF_ONE) -> None:
        self._all = asyncio.Semaphore(total)
        self._of_one = of_one
        self._lines: dict[str, _Line] = {}

    def __len__(self) -> int:
        """Lines that somebody is in."""
        return len(self._lines)

    @contextlib.asynccontextmanager
    async def take(self, name: str) -> AsyncIterator[None]:
        """Wait until a name may be asked for."""
        give_back = await self._enter(f"zone {_zone(name)}")
        try:
            async with self._all:
                yield
        finally:
            give_back()

    async def enter(self, asker: str) -> Callable[[], None]:
        """Wait for one of the places that an asker has; returns what gives it back.

        It comes before `take`, and whoever waits for it holds nothing that others need: one whose
        places are all taken must not keep everybody else from asking for a zone.
        """
        return await self._enter(f"asker {asker}")

    async def _enter(self, key: str) -> Callable[[], None]:
        line = self._lines.setdefault(key, _Line(asyncio.Semaphore(self._of_one)))
        line.members += 1

        def leave() -> None:
            line.members -= 1
            if not line.members:
                del self._lines[key]

        def give_back() -> None:
            line.places.release()
            leave()

        try:
            await line.places.acquire()
        except BaseException:
            leave()
            raise
        return give_back


def _zone(name: str) -> str:
    """The end of a name that one operator has, about: no list of suffixes is worth it here."""
    labels = name.split(".")
    end = ".".join(labels[-_LABELS:])
    count = _REVERSE_LABELS.get(end, _LABELS)
    if len(labels) > _LABELS and len(labels[-1]) == 2 and len(labels[-2]) <= _SHORT:
        count += 1
    return ".".join(labels[-count:])
