"""What counts of tokens say of a message: Robinson's chi-squared combination. Pure.

Each token has a probability: how much more often it stands in spam than in ham, drawn towards the
middle while it has been seen seldom. Fisher's method combines the strongest of them into one
indicator between 0 (ham) and 1 (spam); where both sides are strong, or neither is, it stays near
the middle (Gary Robinson, "A Statistical Approach to the Spam Problem", Linux Journal 107, 2003).
Fisher's method takes its witnesses for independent, which words are not: `EFFECTIVE` mends that.

A user's own lessons are part of what the organisation was taught, and weigh more than those of
others: the more, the more of them there are. So a user who taught nothing profits from colleagues,
and one who taught much is judged by nobody else's taste.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from apps.scan.bayes.tokens import parts_of

LEAST: Final = 20
"""Lessons of each kind before the filter says anything."""
STRENGTH: Final = 0.2  # lessons that a token's first guess, the middle, counts for
DISTANCE: Final = 0.3  # from the middle; what is nearer says nothing
MOST_CLUES: Final = 150
EFFECTIVE: Final = 12
"""Tokens that a message counts for at most: words stand together, so a hundred of them are no
hundred witnesses, and without this bound every message would be judged with certainty."""
OWN_FULL: Final = 50  # own lessons from which on they have their full weight
OWN_MOST: Final = 20.0  # that weight at most

SPAM_POINTS: Final = 6.5
HAM_POINTS: Final = -4.0
# Points by the odds, as a power of ten: alone the filter puts a message into Junk (5 points) where
# they reach what is needed, and not far below that nearly any other reason may do the rest. Needed
# is the more, the fewer lessons there are: 550 to one with twenty of each kind, 20 with a hundred
# and fifty, 6 with a thousand. Tried on real mail, these let one ham in a thousand pass them.
_NEEDED: Final = 0.5
_NEEDED_FEW: Final = 10.0  # and this, divided by the square root of the lessons
_LIKELY: Final = 0.4  # of what is needed
_LIKELY_POINTS: Final = 4.0
_NEEDED_POINTS: Final = 5.0


class Tally(NamedTuple):
    """How many lessons of spam and of ham: in all, or those that have a token."""

    spam: int = 0
    ham: int = 0


NOTHING: Final = Tally()


class Told(NamedTuple):
    """What was taught of one token: to the whole organisation, and by this user."""

    name: str
    all: Tally
    own: Tally


class Clue(NamedTuple):
    """A token that says something: `probability` above a half speaks for spam."""

    name: str
    probability: float

    @property
    def strength(self) -> float:
        """How far it is from saying nothing."""
        return abs(self.probability - 0.5)


def is_taught(every: Tally, own: Tally) -> bool:
    """Whether there are lessons enough to say anything."""
    return min(max(every.spam, own.spam), max(every.ham, own.ham)) >= LEAST


def clues(told: Iterable[Told], every: Tally, own: Tally) -> list[Clue]:
    """The tokens that say something, strongest first.

    Args:
        every, own: all lessons of the organisation, and of the user among them.
    """
    weight = _weight_of_own(every, own)
    spam = max(every.spam + weight * own.spam, 1.0)
    ham = max(every.ham + weight * own.ham, 1.0)
    found = []
    for one in told:
        is_spam = (one.all.spam + weight * one.own.spam) / spam
        is_ham = (one.all.ham + weight * one.own.ham) / ham
        seen = max(sum(one.all), sum(one.own))
        if not seen:
            continue
        raw = is_spam / (is_spam + is_ham)
        clue = Clue(one.name, (STRENGTH * 0.5 + seen * raw) / (STRENGTH + seen))
        if clue.strength >= DISTANCE:
            found.append(clue)
    # The name last: the order of equals must not depend on what the database returned first.
    found.sort(key=lambda clue: (-clue.strength, clue.name))
    return found


def strongest(found: Iterable[Clue]) -> list[Clue]:
    """Those that are combined, of clues in the order of their strength: at most `MOST_CLUES`, and
    of a pair and its words only what says most. Evidence that is counted twice makes sure of what
    is not."""
    chosen: list[Clue] = []
    used: set[str] = set()
    for clue in found:
        names = parts_of(clue.name) or (clue.name,)
        if used.isdisjoint(names):
            used.update(names)
            chosen.append(clue)
            if len(chosen) == MOST_CLUES:
                break
    return chosen


def indicator(combined: Sequence[Clue]) -> float:
    """From 0, certainly ham, to 1, certainly spam."""
    if not combined:
        return 0.5
    count = min(len(combined), EFFECTIVE)
    share = count / len(combined)
    spam = -2 * share * sum(math.log(1 - clue.probability) for clue in combined)
    ham = -2 * share * sum(math.log(clue.probability) for clue in combined)
    return (1 + _chi_squared(ham, count) - _chi_squared(spam, count)) / 2


def points(found: float, every: Tally, own: Tally) -> float:
    """What the indicator is worth."""
    lessons = min(max(every.spam, own.spam), max(every.ham, own.ham))
    needed = _NEEDED + _NEEDED_FEW / math.sqrt(max(lessons, 1))
    share = math.log10((found + 1e-9) / (1 - found + 1e-9)) / needed
    if share <= 0:
        worth = max(share, HAM_POINTS)
    elif share <= _LIKELY:
        worth = _LIKELY_POINTS * share / _LIKELY
    elif share <= 1:
        rest = (share - _LIKELY) / (1 - _LIKELY)
        worth = _LIKELY_POINTS + (_NEEDED_POINTS - _LIKELY_POINTS) * rest
    else:
        worth = _NEEDED_POINTS + (SPAM_POINTS - _NEEDED_POINTS) * min(share - 1, 1)
    return round(worth, 2)


def _weight_of_own(every: Tally, own: Tally) -> float:
    mine, others = sum(own), sum(every)
    if not mine:
        return 0.0
    return min(mine / OWN_FULL, 1.0) * min(OWN_MOST, max(others / (2 * mine), 1.0))


def _chi_squared(value: float, count: int) -> float:
    """The chance that chi-squared with 2 * count degrees of freedom is at least `value`."""
    half = value / 2
    term = total = math.exp(-half)
    for number in range(1, count):
        term *= half / number
        total += term
    return min(total, 1.0)
