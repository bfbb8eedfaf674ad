"""One POP3 session per mailbox at a time (RFC 1939 section 4), across the processes of a service.

Held in this process's memory, and with REDIS_URL in the cache too, where other listeners see it.
There a lock lapses `SECONDS` after its process has last renewed it: who died, by whatever signal,
locks nobody out for longer. A cache that does not answer locks nobody out either: two sessions at
once harm nothing but each other's numbers, and each message is still deleted once.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from apps.runtime.db import in_db
from apps.runtime.ulid import new_ulid
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

SECONDS: Final = 15
RENEWAL: Final = 4.0
"""Seconds between two renewals: two may fail."""


class Locks:
    """The locks that the sessions of one event loop hold."""

    def __init__(self) -> None:
        self._held: dict[int, str] = {}  # user id -> token, which tells a lock from the next one's
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def take(self, user_id: int) -> bool:
        """Take a user's lock; False if another session has it."""
        if user_id in self._held:
            return False
        token = self._held[user_id] = new_ulid().hex
        if not settings.REDIS_URL:
            return True
        taken = False
        try:
            taken = await in_db("read", _take, user_id, token)
        finally:
            if not taken:  # or nobody asked, because too many jobs wait
                del self._held[user_id]
        if taken and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(RENEWAL, self._renew)
        return taken

    async def give_back(self, user_id: int) -> None:
        """Let go of it; never fails: what cannot be given back lapses."""
        token = self._held.pop(user_id)
        if settings.REDIS_URL:
            try:
                await in_db("read", _give_back, user_id, token)
            except MailError as error:
                logger.warning("lock not given back", extra={"detail": str(error)})

    def close(self) -> None:
        """Renew no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _renew(self) -> None:
        self._timer = None
        if self._held:
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(in_db("read", _renew, dict(self._held)))
            self._timer = loop.call_later(RENEWAL, self._renew)


def _key(user_id: int) -> str:
    return f"pop3-lock-{user_id}"


def _take(user_id: int, token: str) -> bool:
    try:
        return cache.add(_key(user_id), token, SECONDS)
    except RedisError as error:
        logger.warning("mailbox not locked", extra={"detail": str(error)})
        return True


def _renew(held: dict[int, str]) -> None:
    """Those that are not another's by now; a cache that was emptied has them again."""
    mine = {_key(user_id): token for user_id, token in held.items()}
    try:
        found = cache.get_many(mine)
        kept = {key: token for key, token in mine.items() if found.get(key, token) == token}
        cache.set_many(kept, SECONDS)
    except RedisError as error:
        logger.warning("locks not renewed", extra={"detail": str(error)})


def _give_back(user_id: int, token: str) -> None:
    """Unless it lapsed and is another's by now."""
    try:
        if cache.get(_key(user_id)) == token:
            cache.delete(_key(user_id))
    except RedisError as error:
        logger.warning("lock not given back", extra={"detail": str(error)})
