"""Sorts long lists piece by piece: one sort of a hundred thousand values would hold up all threads
of the process for as long as it takes. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import Any, Final

_PIECE: Final = 8_192
"""Values sorted at a time: about 5 ms."""


def stable_sorted(
    places: Sequence[int], values: Sequence[Any], *, reverse: bool = False
) -> list[int]:
    """Sort places by their values; those with equal values keep their order, reversed or not."""
    value = values.__getitem__
    if len(places) <= _PIECE:
        return sorted(places, key=value, reverse=reverse)
    pieces = [
        sorted(places[start : start + _PIECE], key=value, reverse=reverse)
        for start in range(0, len(places), _PIECE)
    ]
    merged: Iterator[int] = heapq.merge(*pieces, key=value, reverse=reverse)
    return list(merged)


def sort_columns(columns: Sequence[tuple[Sequence[Any], bool]]) -> list[int]:
    """Return the order of rows by several columns, the first one first; each may be reversed. Rows
    that are alike keep their order (RFC 5256: not even REVERSE turns that round)."""
    order: Sequence[int] = range(len(columns[0][0]))
    for values, reverse in reversed(columns):
        order = stable_sorted(order, values, reverse=reverse)
    return list(order)
