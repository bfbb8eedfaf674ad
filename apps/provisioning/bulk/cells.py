"""What stands in a cell: texts that a spreadsheet must not take for a formula, and sizes."""

import re
from decimal import Decimal
from typing import Final

from apps.wire.errors import InvalidName

# What begins a formula; a tab or a line break is what some programs take away before they look, the
# wide forms are what some take for the narrow ones. Apostrophes before it are counted, so that what
# was written is what is read.
_FORMULA: Final = re.compile("'*+[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]")
_SIZE: Final = re.compile(
    r"([0-9]{1,18})(?:[.,]([0-9]{1,9}))?\s?+([kmgtp]?)(i?)(b|bytes?|octets?)?"
)
_UNITS: Final = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}
_NONE: Final = frozenset({"unlimited", "none", "no limit", "0"})


def safe(text: str) -> str:
    """A text as a cell of a file that a spreadsheet may open."""
    return f"'{text}" if _FORMULA.match(text) else text


def plain(text: str) -> str:
    """What such a cell says."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def size(text: str) -> int:
    """Octets of `5 GB`, `1.5g`, `500 MB`, `1073741824`; powers of 1,024. 0 is no limit.

    Raises:
        InvalidName
    """
    folded = text.strip().replace("\u00a0", " ").lower()
    if folded in _NONE:
        return 0
    found = _SIZE.fullmatch(folded)
    if found is None:
        raise InvalidName("size", text="Write space as 5 GB, 500 MB, or a number of bytes")
    whole, part, unit, _, _ = found.groups()
    return int(Decimal(f"{whole}.{part or 0}") * (1 << _UNITS[unit]))


def shown_size(octets: int) -> str:
    """A size as `size` reads it: exact, by the largest unit that gives a whole number."""
    if not octets:
        return "unlimited"
    for unit in ("t", "g", "m", "k"):
        if octets % (1 << _UNITS[unit]) == 0:
            return f"{octets >> _UNITS[unit]} {unit.upper()}B"
    return str(octets)


def near_size(octets: int) -> str:
    """A size for people to read in a sentence."""
    for unit in ("t", "g", "m", "k"):
        if octets >= 1 << _UNITS[unit]:
            return f"{octets / (1 << _UNITS[unit]):.3g} {unit.upper()}B"
    return f"{octets} bytes"
