"""Sorts long lists piece by piece: one sort of a hundred thousand values would hold up all threads
of the process for as long as it takes. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

_PIECE: Final = 8_192
"""Values sorted at a time: about 5 ms."""


def stable_sorted(
    places: Sequence[int], value: Callable[[int], Any], *, reverse: bool = False
) -> list[int]:
    """Sort places by the value of each; those with equal values keep their order, reversed or
    not."""
    if len(places) <= _PIECE:
        return sorted(places, key=value, reverse=reverse)
    pieces = [
        sorted(places[start : start + _PIECE], key=value, reverse=reverse)
        for start in range(0, len(places), _PIECE)
    ]
    merged: Iterator[int] = heapq.merge(*pieces, key=value, reverse=reverse)
    return list(merged)
