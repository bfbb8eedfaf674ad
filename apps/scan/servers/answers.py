"""What a scanner answered about one message: JSON that is kept with the verdict. Pure.

Scanners are not trusted either: texts are cut and printable, numbers finite, lists short.
"""

import math
from collections.abc import Iterable
from typing import Any, Final

Answer = dict[str, Any]
"""`state`, one of those below, and what belongs to it."""

CLEAN: Final = "clean"
FOUND: Final = "found"  # `name`: the virus
SCORED: Final = "scored"  # `points`, `needed`, `symbols`: [name, points, words]; `reject`: why
SKIPPED: Final = "skipped"  # `why` it was not asked: a rule of ours
MISSED: Final = "missed"  # `why`: it is there, but has no answer for this message
BUSY: Final = "busy"  # it answers, but its turn did not come in time
AWAY: Final = "away"  # `why`

MOST_SYMBOLS: Final = 200
_LONGEST: Final = 160
_LONGEST_NAME: Final = 48
_LARGEST: Final = 10_000.0

Symbol = tuple[str, float, str]


class AwayError(Exception):
    """A scanner cannot be reached at all; the text says why."""


class MissedError(Exception):
    """It answered something that is no result; the text says what."""


def failed(state: str, why: object) -> Answer:
    """An answer that tells why there is none."""
    return {"state": state, "why": told(why)}


def scored(
    points: object, needed: object, symbols: Iterable[Symbol], *, reject: str = ""
) -> Answer:
    """Points that a scanner gives.

    Args:
        needed: from how many on it would act.
        reject: why it would refuse the message whatever the points are.
    """
    heaviest = sorted(symbols, key=lambda one: -abs(number(one[1])))[:MOST_SYMBOLS]
    kept = [[name(one), number(worth), told(words)] for one, worth, words in heaviest]
    answer = {"state": SCORED, "points": number(points), "needed": number(needed), "symbols": kept}
    return answer | ({"reject": told(reject)} if reject else {})


def told(words: object) -> str:
    """One line of what somebody else says, fit to be shown."""
    # Cut first: what is cut away costs nothing.
    line = " ".join(str(words)[: 4 * _LONGEST].split())
    return "".join(one if one.isprintable() else "?" for one in line[:_LONGEST])


def name(words: str) -> str:
    """As names of rules are: upper case, digits and underscores."""
    return "".join(
        one if one.isascii() and one.isalnum() else "_" for one in words[:_LONGEST_NAME].upper()
    )


def number(value: object) -> float:
    """A number within reason; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    if isinstance(value, int):  # may be too large for a float
        value = max(-_LARGEST, min(_LARGEST, value))
    return round(max(-_LARGEST, min(_LARGEST, value)), 3) if math.isfinite(value) else 0.0
