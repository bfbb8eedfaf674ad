"""One POP3 session per mailbox at a time (RFC 1939 section 4), across the processes of a service.

Held in this process's memory, and with REDIS_URL in the cache too, where other listeners see it.
There it lapses by itself, so that a process that died locks nobody out for longer than a session
may idle. A cache that does not answer locks nobody out either: two sessions at once harm nothing
but each other's numbers.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

SECONDS = 11 * 60
"""A little longer than a session may idle; it renews its lock while it talks."""

_held: dict[int, str] = {}


def _key(user_id: int) -> str:
    return f"pop3-lock-{user_id}"


def take(user_id: int, token: str) -> bool:
    """Take the lock; False if another session has it."""
    if _held.setdefault(user_id, token) != token:
        return False
    if settings.REDIS_URL and not _add(user_id, token):
        del _held[user_id]
        return False
    return True


def _add(user_id: int, token: str) -> bool:
    try:
        return cache.add(_key(user_id), token, SECONDS)
    except RedisError as error:
        logger.warning("mailbox not locked", extra={"detail": str(error)})
        return True


def renew(user_id: int) -> None:
    """Hold it longer."""
    if settings.REDIS_URL:
        try:
            cache.touch(_key(user_id), SECONDS)
        except RedisError as error:
            logger.warning("lock not renewed", extra={"detail": str(error)})


def give_back(user_id: int, token: str) -> None:
    """Let go, unless it lapsed and is another's by now."""
    if _held.get(user_id) == token:
        del _held[user_id]
    if settings.REDIS_URL:
        try:
            if cache.get(_key(user_id)) == token:
                cache.delete(_key(user_id))
        except RedisError as error:
            logger.warning("lock not given back", extra={"detail": str(error)})
