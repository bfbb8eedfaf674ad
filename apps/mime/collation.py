"""The comparator i;unicode-casemap (RFC 5051), by which strings are searched and sorted
(I18NLEVEL=1, RFC 5255 section 4.3).

Every character is decomposed and made upper-case by itself. Nothing is put into another order:
normal forms sort combining marks, which takes quadratic time of a text made of them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final
from unicodedata import decomposition, normalize

_KNOWN_MAX: Final = 20_000


class _Decomposed(dict[str, str]):
    """What a character is made of, worked out when it is first met."""

    def __missing__(self, char: str) -> str:
        made_of = normalize("NFKD", char)
        if len(self) < _KNOWN_MAX:
            self[char] = made_of
        return made_of


_DECOMPOSED = _Decomposed()


@cache
def _may_decompose() -> re.Pattern[str]:
    """The characters that may be made of others; most texts have few of them. Those of the
    supplementary planes are all asked for: they are rare, and a million."""
    ranges: list[tuple[int, int]] = [(0xAC00, 0xD7A3), (0x10000, 0x10FFFF)]  # Hangul has no entries
    for code in range(0x80, 0x10000):
        if decomposition(chr(code)):
            if ranges[-1][1] == code - 1:
                ranges[-1] = ranges[-1][0], code
            else:
                ranges.append((code, code))
    listed = "".join([f"{chr(low)}-{chr(high)}" for low, high in ranges])
    return re.compile(f"[{listed}]")


def collated(text: str) -> str:
    """Return what `text` is compared as: equal texts are equal then, and sort by code points, which
    is the order of their octets in UTF-8."""
    if not text.isascii():
        text = _may_decompose().sub(lambda found: _DECOMPOSED[found[0]], text)
    return text.upper()
