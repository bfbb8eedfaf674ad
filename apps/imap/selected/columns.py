"""What a process keeps of messages beside a mirror's arrays: values that never change.

Dates, sizes, sort texts, hashes of Message-IDs: read once, when a search or a sort first needs
them, then only for mail that is new. `Columns` are values side by side with UIDs, and the orders
worked out of them; they are never changed but replaced by larger ones, so threads may read them
without a lock. A `Shelf` holds those of all mirrors of a process, in bounded memory. Pure.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import accumulate, compress
from sys import getsizeof
from typing import Any, Final
from weakref import WeakKeyDictionary

from apps.imap.selected.mirror import Mirror

KEPT_MAX: Final = 64 * 1024 * 1024
"""Octets on a shelf, about. A column of numbers takes 8 for a message, one of texts about 90."""
_SAMPLE: Final = 64


class Column(Enum):
    """What may be kept. Days are ordinals, moments Unix seconds."""

    MESSAGE = auto()  # the id of the message
    ARRIVED = auto()
    ARRIVED_DAY = auto()
    SENT = auto()  # the Date field, or else when it arrived
    SENT_DAY = auto()
    SAVED_DAY = auto()
    SIZE = auto()
    SUBJECT = auto()  # texts, as they are sorted
    FROM = auto()
    TO = auto()
    CC = auto()
    DISPLAYFROM = auto()
    DISPLAYTO = auto()
    EMAIL = auto()  # identifiers (RFC 8474), that of the conversation empty as long as it has none
    THREAD = auto()
    TOPIC = auto()  # hash of the base subject, even; 1 is added if the subject is of a reply
    IDENTITY = auto()  # hash of the Message-ID
    REFERENCES = auto()  # hashes of those that it answers, as octets


Values = Any
"""A column: an array of numbers, or a list of texts or octets."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns of messages.

    uids: rising; each column has a value for each.
    orders: places by the values of a column, the first ones first, what is alike in the order of
        the mailbox; by (column, whether reversed). Filled when asked for.
    made: what else was worked out of these very columns, by whoever did: a few numbers a message.
    """

    uids: array[int] = field(default_factory=lambda: array("Q"))
    values: Mapping[Column, Values] = field(default_factory=dict)
    orders: dict[tuple[Column, bool], array[int]] = field(default_factory=dict)
    made: dict[object, Any] = field(default_factory=dict)

    def serve(self, uids: array[int], columns: Iterable[Column]) -> bool:
        """Whether these columns are there, and begin with these messages."""
        return all(one in self.values for one in columns) and self.uids[: len(uids)] == uids

    def only(self, uids: array[int]) -> Columns:
        """Of what is here, that which has the first of these UIDs: what is behind it, new mail,
        is to be read."""
        count = len(self.uids)
        if uids[:count] == self.uids:
            return self
        wanted = frozenset(uids)
        keep = bytes(map(wanted.__contains__, self.uids))
        left = array("Q", compress(self.uids, keep))
        if uids[: len(left)] != left:
            return Columns()
        # Where what stays is now: the number of those before it that stay.
        moved = array("q", accumulate(keep, initial=0))
        return Columns(
            left,
            {one: _like(values, compress(values, keep)) for one, values in self.values.items()},
            {
                key: array(
                    "I",
                    map(moved.__getitem__, compress(order, map(keep.__getitem__, order))),
                )
                for key, order in self.orders.items()
            },
        )

    def joined(self, uids: array[int], tail: Mapping[Column, Values]) -> Columns:
        """These and, behind them, the messages `uids`, with a value in `tail` for each column."""
        if not uids:
            return self
        start, end = len(self.uids), len(self.uids) + len(uids)
        values = {one: known + tail[one] for one, known in self.values.items()}
        orders = {}
        for (column, reverse), order in self.orders.items():
            # What is in order already is merged, not sorted anew: time grows with what is new.
            places = [*order, *range(start, end)]
            places.sort(key=values[column].__getitem__, reverse=reverse)
            orders[column, reverse] = array("I", places)
        return Columns(self.uids + uids, values, orders)

    def beside(self, more: Mapping[Column, Values]) -> Columns:
        """With more columns."""
        return Columns(self.uids, {**self.values, **more}, self.orders)

    @property
    def octets(self) -> int:
        """About what they take."""
        total = 8 * len(self.uids) + sum(map(getsizeof, list(self.orders.values())))
        total += 12 * len(self.uids) * len(self.made)
        for values in self.values.values():
            total += getsizeof(values)
            if isinstance(values, list):
                total += _SAMPLE * sum(map(getsizeof, values[::_SAMPLE]))
        return total


def _like(values: Values, chosen: Iterable[Any]) -> Values:
    return array(values.typecode, chosen) if isinstance(values, array) else list(chosen)


class Shelf:
    """The columns of a process's mirrors; those of one that is forgotten go with it."""

    def __init__(self, limit: int = KEPT_MAX) -> None:
        self._limit = limit
        self._kept: WeakKeyDictionary[Mirror, Columns] = WeakKeyDictionary()

    def get(self, mirror: Mirror) -> Columns:
        """Return what is kept of a mailbox, which may be nothing."""
        kept = self._kept.pop(mirror, None)
        if kept is None:
            return Columns()
        self._kept[mirror] = kept  # the last used last
        return kept

    def put(self, mirror: Mirror, columns: Columns) -> None:
        """Keep these; what was used longest ago goes if it gets too much."""
        self._kept.pop(mirror, None)
        sizes = {one: kept.octets for one, kept in self._kept.items()}
        total = sum(sizes.values()) + columns.octets
        for one, size in sizes.items():
            if total <= self._limit:
                break
            del self._kept[one]
            total -= size
        if total <= self._limit:
            self._kept[mirror] = columns
