"""The write door of what the database knows of the search index: which filling of it the outbox
goes with, and how far that is."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from django.db import connection, transaction

from apps.mailstore.services import unindexed
from apps.runtime.rows import fetch
from apps.search.backends.contract import Stamp

ENTERED: Final = 5_000
"""Messages that enter the outbox in one transaction when an index is filled anew: 50 ms."""

_STATE: Final = "SELECT epoch, number, version, below FROM search_indexstate WHERE id = 1"
_BEGIN: Final = (
    "INSERT INTO search_indexstate (id, epoch, number, version, below) VALUES (1, %s, 0, %s, %s)"
)
_SETTLE: Final = "UPDATE search_indexstate SET number = %s WHERE id = 1 AND epoch = %s"


class State(NamedTuple):
    """See `models.IndexState`."""

    epoch: int
    number: int
    version: int
    below: int | None

    def fits(self, stamp: Stamp | None) -> bool:
        """Whether an index with this stamp is what the outbox goes with.

        It may be one batch ahead, which was written and not taken off the outbox yet; never more.
        """
        if stamp is None or stamp.epoch != self.epoch:
            return False
        return stamp.number - 1 <= self.number <= stamp.number


def state() -> State | None:
    """What the index should be, None if there should be none; one query."""
    rows = fetch(_STATE, [])
    return State(*rows[0]) if rows else None


def begin(epoch: int, version: int) -> None:
    """An empty index begins: all mail there is will enter the outbox."""
    with transaction.atomic():
        _forget()
        # Newer mail enters by itself. Read in this order: what commits in between is below.
        with connection.cursor() as cursor:
            cursor.execute(_BEGIN, [epoch, version, unindexed.newest() + 1])


def end() -> None:
    """There is no index any more."""
    with transaction.atomic():
        _forget()


def _forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_indexstate")


def enter_more(below: int) -> int | None:
    """Enter the next messages below one; return below which there are more, None at the end."""
    with transaction.atomic():
        lowest = unindexed.enter(below, ENTERED)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE search_indexstate SET below = %s WHERE id = 1", [lowest])
    return lowest


def settle(stamp: Stamp, ids: Sequence[int]) -> None:
    """Take off the outbox what the index with this stamp has; one transaction."""
    with transaction.atomic():
        unindexed.settled(ids)
        with connection.cursor() as cursor:
            cursor.execute(_SETTLE, [stamp.number, stamp.epoch])
