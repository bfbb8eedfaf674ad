"""Numbers as strangers write them into addresses and forms."""

from typing import Final

MOST: Final = 2**63 - 1  # what the databases hold
_DIGITS: Final = 19


def whole_number(text: str, most: int = MOST) -> int | None:
    """A whole number from 0 to `most` in ASCII digits; None for anything else.

    Digits are counted before they are read: `int` takes time by their square, and those of other
    scripts, which `isdigit` and `int` take too, are no number here.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        return None
    value = int(text)
    return value if value <= most else None
