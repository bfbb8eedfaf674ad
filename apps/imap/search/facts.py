"""Leaves of a search that columns answer: days, ages, sizes, identifiers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from apps.imap.proto.search import (
    Age,
    InternalDay,
    InThread,
    IsEmail,
    Leaf,
    Relation,
    SavedDay,
    SentDay,
    Size,
)
from apps.imap.selected.columns import Column


def column_of(leaf: Leaf) -> Column | None:
    """Return the column that answers a leaf, None if none does."""
    match leaf:
        case InternalDay():
            return Column.ARRIVED_DAY
        case SentDay():
            return Column.SENT_DAY
        case SavedDay():
            return Column.SAVED_DAY
        case Age():
            return Column.ARRIVED
        case Size():
            return Column.SIZE
        case IsEmail():
            return Column.EMAIL
        case InThread():
            return Column.THREAD
        case _:
            return None


def marks_of(leaf: Leaf, values: Sequence[Any], now: int) -> bytes:
    """Return one octet per message, 1 where a leaf matches.

    Args:
        values: of `column_of` the leaf.
        now: Unix seconds; OLDER and YOUNGER count from there.
    """
    return bytes(map(_test(leaf, now), values))


def _test(leaf: Leaf, now: int) -> Callable[[Any], bool]:
    # Methods of numbers, bound to what was asked for: called without a frame for each message.
    match leaf:
        case InternalDay(relation, day) | SentDay(relation, day) | SavedDay(relation, day):
            return _compared(relation, day.toordinal())
        case Age(seconds, younger):
            moment = now - seconds
            return moment.__le__ if younger else moment.__ge__
        case Size(relation, octets):
            return octets.__gt__ if relation is Relation.BEFORE else octets.__lt__
        case IsEmail(identifier) | InThread(identifier):
            return identifier.__eq__
        case _:
            raise AssertionError(leaf)


def _compared(relation: Relation, day: int) -> Callable[[Any], bool]:
    if relation is Relation.BEFORE:
        return day.__gt__
    return day.__eq__ if relation is Relation.ON else day.__le__
