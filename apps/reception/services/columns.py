"""What the columns of reception take, and how much its tables may hold."""

import time
from collections.abc import Callable
from typing import Final

from django.db import connection, transaction

PRUNE_ROWS: Final = 5_000
"""Rows of one transaction: a few milliseconds, so that mail never waits behind housekeeping."""


def told(words: str, limit: int) -> str:
    """Words as a text column takes them: short, without what none of Postgres takes (they are a
    stranger's)."""
    return words[:limit].encode("utf-8", "replace").decode().replace("\0", "?")


class Room:
    """Whether a table has room for more rows. Counted once in a while: a flood overshoots by what
    comes between two counts, which the in-memory limits before it bound."""

    SECONDS: Final = 30.0

    def __init__(self, table: str, most: int) -> None:
        self._sql = f"SELECT count(*) FROM {table}"  # noqa: S608 - a constant name
        self._most = most
        self._until = 0.0
        self._is_free = True

    def is_free(self) -> bool:
        """Whether rows may be added."""
        if time.monotonic() >= self._until:
            with connection.cursor() as cursor:
                cursor.execute(self._sql)
                self._is_free = int(cursor.fetchone()[0]) < self._most
            self._until = time.monotonic() + self.SECONDS
        return self._is_free


def in_pieces(step: Callable[[], int]) -> int:
    """Repeat a step, each in a transaction of its own, until it removes less than PRUNE_ROWS;
    return how many rows all of them removed."""
    total = 0
    while True:
        with transaction.atomic():
            removed = step()
        total += removed
        if removed < PRUNE_ROWS:
            return total


def remove(sql: str, *parameters: int) -> int:
    """Run a constant DELETE whose last parameter is how many rows at most; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, PRUNE_ROWS])
        return int(cursor.rowcount)
