"""Memory for large messages that are on their way: so much for all of them together, in turn."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

MOST_BYTES: Final = 256 << 20


class Room:
    """Octets for all messages of one loop that are read as their turn comes.

    A message larger than all of it is let in alone.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._taken = 0
        self._line: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        """Within: `size` octets are ours; nothing is asked for 0."""
        if not size:
            yield
            return
        while self._taken and self._taken + size > self._most:
            turn = asyncio.get_running_loop().create_future()
            self._line.append(turn)
            try:
                await turn
            finally:
                turn.cancel()
        self._taken += size
        try:
            yield
        finally:
            self._taken -= size
            while self._line:
                turn = self._line.popleft()
                if not turn.done():
                    turn.set_result(None)
