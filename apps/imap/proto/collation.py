"""The comparator i;unicode-casemap (RFC 5051), by which strings are searched and sorted
(I18NLEVEL=1, RFC 5255 section 4.3).

Every character is decomposed and made upper-case by itself. Nothing is put into another order:
normal forms sort combining marks, which takes quadratic time of a text made of them.
"""

from __future__ import annotations

from typing import Final
from unicodedata import normalize

_KNOWN_MAX: Final = 20_000
_PIECE: Final = 16_384
"""Characters mapped at a time: other threads run between two pieces."""


class _Casemap(dict[int, str]):
    """What a character is compared as, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        mapped = normalize("NFKD", chr(code)).upper()
        if len(self) < _KNOWN_MAX:
            self[code] = mapped
        return mapped


_CASEMAP = _Casemap()


def collated(text: str) -> str:
    """Return what `text` is compared as: equal texts are equal then, and sort by code points, which
    is the order of their octets in UTF-8."""
    if text.isascii():
        return text.upper()
    if len(text) <= _PIECE:
        return text.translate(_CASEMAP)
    pieces = range(0, len(text), _PIECE)
    return "".join([text[start : start + _PIECE].translate(_CASEMAP) for start in pieces])
