"""Subjects as words, the same for what is kept and for what is asked; and where rows of words stand
in time. Pure."""

import unicodedata
from typing import Final
from uuid import UUID

LONGEST: Final = 40  # characters of a word; of a longer one the beginning counts
MOST: Final = 60  # words of a subject
ASKED: Final = 12  # words of a question; more narrow nothing
_BITS: Final = 10
_LOW: Final = (1 << _BITS) - 1
_AT_MOST: Final = (1 << 53) - 1  # microseconds that a place has room for: until the year 2255
# Scripts that write no spaces: each sign is a word.
_ALONE: Final = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u3040", "\u30ff"),  # Hiragana, Katakana
    ("\u3400", "\u9fff"),  # Han
)


def words_of(text: str, most: int = MOST) -> list[str]:
    """The words of a text in their order: letters and digits, small and without accents."""
    folded = unicodedata.normalize("NFKD", text[:1_000].casefold())
    spread = "".join([_spread(sign) for sign in folded])
    return [unicodedata.normalize("NFC", one)[:LONGEST] for one in spread.split()[:most]]


def fits(wanted: list[str], subject: str) -> bool:
    """Whether each of the words is in a subject, the last one at least as a beginning."""
    there = words_of(subject)
    return all(one in there for one in wanted[:-1]) and any(
        one.startswith(wanted[-1]) for one in there
    )


def place(at_us: int, trace_id: UUID) -> int:
    """The number of the row of a passage: later ones have greater ones, and no two the same but by
    a rare chance."""
    return min(max(at_us, 0), _AT_MOST) << _BITS | trace_id.int & _LOW


def places(since_us: int, until_us: int) -> tuple[int, int]:
    """The first and the last number of a time, both ends within."""
    first = min(max(since_us, 0), _AT_MOST)
    return first << _BITS, min(max(until_us, 0), _AT_MOST) << _BITS | _LOW


def time_of(number: int) -> int:
    """Unix microseconds of a row."""
    return number >> _BITS


def _spread(sign: str) -> str:
    if not sign.isalnum():
        return "" if unicodedata.combining(sign) else " "
    is_alone = any(first <= sign <= last for first, last in _ALONE)
    return f" {sign} " if is_alone else sign
