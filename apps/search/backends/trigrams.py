"""How folded texts are written for an index of trigrams, so that terms of one and two characters
are found in it too, and exactly. Pure.

A trigram index knows every three characters that follow each other. A pair of plain (ASCII)
characters is found by trying each plain one behind it. For single characters, and for pairs near a
character that is not plain, the index is given extra pieces: `spelled` appends them to the text,
each between marks that neither texts nor terms have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from apps.mime.searchtext import DIVIDER

MARK: Final = "\x1f"
_PLAIN: Final = DIVIDER + "".join(map(chr, (*range(0x20, 0x61), *range(0x7B, 0x7F))))
_ODD = re.compile(f"[^{re.escape(_PLAIN)}]+")


def spelled(column: str) -> str:
    """Return a column with the extra pieces that `phrases` relies on."""
    if not column:
        return ""
    pieces = set(column)
    if _ODD.search(column) is not None:
        pieces |= _odd_pairs(column)
    pieces.discard(DIVIDER)
    return f"{column}{MARK}{MARK.join(sorted(pieces))}{MARK}"


def _odd_pairs(column: str) -> set[str]:
    """Every two characters that, with the one behind them, are not all plain."""
    pairs: set[str] = set()
    for run in _ODD.finditer(column):
        near = column[max(run.start() - 2, 0) : run.end() + 1]
        pairs.update(map("".join, pairwise(near)))
    return pairs


def phrases(term: str) -> Iterator[str]:
    """Yield what stands in a spelled column if, and only if, the term does: any of them. Each has
    at least three characters."""
    if len(term) > 2:
        yield term
    elif len(term) == 1:
        yield f"{MARK}{term}{MARK}"
    else:
        yield f"{term}{MARK}"
        if _ODD.search(term) is None:
            for behind in _PLAIN:
                yield term + behind
