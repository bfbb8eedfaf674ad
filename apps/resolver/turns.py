"""Whose question is asked now: so many at a time in all, and few of them for one zone or one asker.

A question that nobody answers holds its place for seconds. Senders choose what we ask for: without
bounds of their own, one stranger or one dead domain would fill all places, and the look-ups for
everybody else's mail would end in "temporary failure", which takes mail unchecked.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

TOTAL: Final = 256  # each has a socket
OF_ONE: Final = 32  # a zone that answers within 50 ms gets 600 answers a second

_LABELS: Final = 2
_SHORT: Final = 3  # letters: in co.uk and com.au names are registered one label further down
_REVERSE_LABELS: Final = {"in-addr.arpa": 5, "ip6.arpa": 10}  # a /24, a /32


class Turns:
    """Belongs to one event loop."""

    def __init__(self, total: int = TOTAL, of_one: int = OF_ONE) -> None:
        self._all = asyncio.Semaphore(total)
        self._of_one = of_one
        self._lines: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}

    def __len__(self) -> int:
        """Lines that somebody is in."""
        return len(self._lines)

    @contextlib.asynccontextmanager
    async def take(self, name: str, asker: str = "") -> AsyncIterator[None]:
        """Wait until a name may be asked for.

        Args:
            asker: for whom; "" is ourselves, who have no bound but the zone's.
        """
        # The asker's own line first: who waits there must hold no place of a zone meanwhile, or one
        # stranger whose places are all taken could keep everybody else from asking for a zone.
        own = self._line(f"asker {asker}") if asker else contextlib.nullcontext()
        async with own, self._line(f"zone {_zone(name)}"), self._all:
            yield

    @contextlib.asynccontextmanager
    async def _line(self, key: str) -> AsyncIterator[None]:
        line, members = self._lines.setdefault(key, (asyncio.Semaphore(self._of_one), []))
        members.append(None)
        try:
            async with line:
                yield
        finally:
            members.pop()
            if not members:
                del self._lines[key]


def _zone(name: str) -> str:
    """The end of a name that one operator has, about: no list of suffixes is worth it here."""
    labels = name.split(".")
    end = ".".join(labels[-_LABELS:])
    count = _REVERSE_LABELS.get(end, _LABELS)
    if len(labels) > _LABELS and len(labels[-1]) == 2 and len(labels[-2]) <= _SHORT:
        count += 1
    return ".".join(labels[-count:])
