"""Takes \\Recent for sessions: what one session is told as \\Recent no other is, in any process.

Written to the database when it is told, not later: many mailboxes that have news at the same time
share one transaction. If that fails nobody has the messages as \\Recent yet, and the next session
that is told of them does.
"""

from __future__ import annotations

import asyncio
import logging

from apps.mailstore.services import recent
from apps.runtime.db import in_db
from apps.wire.errors import MailError, StorageUnavailable

logger = logging.getLogger(__name__)

AT_ONCE = 500
"""Mailboxes in one transaction."""


class Recents:
    """The claims of one event loop."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, asyncio.Future[int]]] = []
        self._task: asyncio.Task[None] | None = None

    async def claim(self, mailbox_id: int, end: int) -> int:
        """Take the UIDs below `end` that are nobody's; return the first of them, `end` if none.

        The caller asks for one mailbox once at a time.

        Raises:
            StorageUnavailable, Overloaded, …: nothing was taken.
        """
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((mailbox_id, end, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await answer

    async def settle(self) -> None:
        """Wait for what is being written."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            failed: MailError | None = None
            floors: dict[int, int] = {}
            try:
                floors = await in_db("work", recent.claim, {box: end for box, end, _ in some})
            except MailError as error:
                failed = error
            except Exception as error:
                logger.exception("recent messages not noted")
                failed = StorageUnavailable(str(error))
            for box, end, answer in some:
                if answer.done():
                    continue  # its session has ended meanwhile
                if failed is None:
                    answer.set_result(min(floors.get(box, end), end))
                else:
                    answer.set_exception(failed)
