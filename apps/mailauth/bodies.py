"""The hashes of one message's body: each canonicalization is gone through once, whoever asks.

DKIM signatures and the ARC chain of a message mostly want the same hash. A large body is hashed in
a thread, so that an event loop goes on serving others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from apps.mailauth import canonical
from apps.mailauth.canonical import BodySum, Form
from apps.mailauth.message import Body

# Octets hashed at once where they are: 0.5 ms, which a hop to a thread and back costs on a busy
# machine.
INLINE: Final = 256 << 10

Sums = Mapping[Form, BodySum]
Hash = Callable[[Body, frozenset[Form]], dict[Form, BodySum]]
Run = Callable[[Hash, Body, frozenset[Form]], Awaitable[dict[Form, BodySum]]]


class Bodies:
    """Belongs to one event loop.

    Args:
        run: calls a function in a thread.
    """

    def __init__(self, body: Body, *, run: Run = asyncio.to_thread) -> None:
        self._body = body
        self._run = run
        self._sums: dict[Form, BodySum] = {}
        self._turn = asyncio.Lock()

    async def sums(self, forms: Iterable[Form]) -> Sums:
        """Return the hashes of these forms, among others."""
        wanted = frozenset(forms)
        async with self._turn:
            if missing := wanted - self._sums.keys():
                self._sums.update(await self._hash(missing))
        return self._sums

    async def _hash(self, forms: frozenset[Form]) -> dict[Form, BodySum]:
        if len(self._body) <= INLINE:
            return canonical.body_sums(self._body, forms)
        return await self._run(canonical.body_sums, self._body, forms)
