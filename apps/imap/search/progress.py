"""Tells a client that waits long how far its command is (RFC 9585)."""

from __future__ import annotations

import asyncio

from apps.imap.context import Context
from apps.imap.proto.responses import untagged
from apps.wire.imapstring import imap_string


class Progress:
    """Tells the client of a long command how far it is, and ends the command of one who is gone."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._told = self._loop.time()

    async def note(self, done: int, goal: int) -> None:
        """So many of all messages are done: written if the client has heard nothing for long.

        Raises:
            ConnectionResetError: nobody waits for the result any more.
        """
        now = self._loop.time()
        if done < goal and now - self._told >= self._context.limits.progress_every:
            self._told = now
            where = b"INPROGRESS (%b %d %d)" % (imap_string(self._context.tag), done, goal)
            self._context.write(untagged(b"OK", "Still working on it", where))
        await self._context.channel.drain()
