"""What counts of tokens say of a message. Pure.

Each token has a probability: how much more often it stands in spam than in ham, drawn towards the
middle while it has been seen seldom (Gary Robinson, "A Statistical Approach to the Spam Problem",
Linux Journal 107, 2003). The logarithms of the odds of the strongest of them are added up, and
divided by the square root of how many they are, for each kind of token by itself: words stand
together, so a hundred of them are no hundred witnesses, but those of the text know nothing of what
the header says. (Fisher's method, which Robinson proposed, takes all for independent: it is certain
of every message, or of both sides and says nothing.)

A user's own lessons are part of what the organisation was taught, and weigh more than those of
others: the more, the more of them there are. So a user who taught nothing profits from colleagues,
and one who taught much is judged by nobody else's taste.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from apps.scan.bayes.tokens import Kind, kind_of, parts_of

LEAST: Final = 20
"""Lessons of each kind before the filter says anything."""
STRENGTH: Final = 0.07  # lessons that a token's first guess, the middle, counts for
DISTANCE: Final = 0.4  # from the middle; what is nearer says nothing
MOST_CLUES: Final = 150
WEIGHTS: Final = {Kind.TEXT: 1.0, Kind.ORIGIN: 2.0, Kind.SHAPE: 1.0, Kind.LINKS: 1.0}
"""Whence a message came is hard to choose for a spammer, and says the most."""
OWN_FULL: Final = 50  # own lessons from which on they have their full weight
OWN_MOST: Final = 20.0  # that weight at most

SPAM_POINTS: Final = 6.5
HAM_POINTS: Final = -4.0
# Evidence that puts a message into Junk alone (5 points): 12 with twenty lessons of each kind, 9
# with two hundred, 8 with a thousand. Tried on real mail, these misfiled newsletters alone, and
# those seldom. Half of it is worth little: rules that see the same words must not make spam of a
# newsletter that is somewhat like spam.
_NEEDED: Final = 7.5
_NEEDED_FEW: Final = 20.0  # and this, divided by the square root of the lessons
_NEEDED_POINTS: Final = 5.0
_CURVE: Final = 3
_SKEW_TO_SPAM: Final = 6.0
_SKEW_TO_HAM: Final = 4.0
"""Evidence that ten times as many lessons of one kind as of the other make of nothing."""


class Tally(NamedTuple):
    """How many lessons of spam and of ham: in all, or those that have a token."""

    spam: int = 0
    ham: int = 0


NOTHING: Final = Tally()


Told = tuple[str, Tally, Tally]
"""What was taught of one token, by its name: to the whole organisation, and by this user."""


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
    return _lessons(every, own) >= LEAST


def clues(told: Iterable[Told], every: Tally, own: Tally) -> list[Clue]:
    """The tokens that say something, strongest first.

    Args:
        every, own: all lessons of the organisation, and of the user among them.
    """
    weight = _weight_of_own(every, own)
    spam, ham = _weighed(every, own)
    # Not to stand in the few lessons of the scarce kind says little: a word that is in one of a
    # thousand spam messages would be in none of twenty others anyway.
    of_spam, of_ham = min(ham / spam, 1.0), min(spam / ham, 1.0)
    found = []
    # Every token of every reader comes by here: nothing is made that is not kept.
    for name, (all_spam, all_ham), (own_spam, own_ham) in told:
        seen = of_spam * all_spam + of_ham * all_ham
        mine = of_spam * own_spam + of_ham * own_ham
        seen = max(seen, mine) if mine else seen
        if not seen:
            continue
        is_spam = (all_spam + weight * own_spam) / spam
        is_ham = (all_ham + weight * own_ham) / ham
        raw = is_spam / (is_spam + is_ham)
        probability = (STRENGTH * 0.5 + seen * raw) / (STRENGTH + seen)
        if abs(probability - 0.5) >= DISTANCE:
            found.append(Clue(name, probability))
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


def evidence(combined: Sequence[Clue], every: Tally, own: Tally) -> float:
    """How much they say together: above nought for spam, below for ham. No odds, but grows with
    them; `needed` says what is enough."""
    kinds: dict[Kind, list[float]] = {}
    for clue in combined:
        odds = math.log10(clue.probability / (1 - clue.probability))
        kinds.setdefault(kind_of(clue.name), []).append(odds)
    total = math.fsum(
        WEIGHTS[kind] * math.fsum(odds) / math.sqrt(len(odds)) for kind, odds in kinds.items()
    )
    return total - _of_nothing(every, own) if kinds else 0.0


def needed(every: Tally, own: Tally) -> float:
    """The evidence for spam that is enough for Junk: the more, the fewer lessons there are."""
    return _NEEDED + _NEEDED_FEW / math.sqrt(max(_lessons(every, own), 1))


def points(found: float, every: Tally, own: Tally) -> float:
    """What that evidence is worth."""
    share = found / needed(every, own)
    if share <= 0:
        worth = max(-HAM_POINTS * share, HAM_POINTS)
    elif share <= 1:
        worth = _NEEDED_POINTS * share**_CURVE
    else:
        worth = _NEEDED_POINTS + (SPAM_POINTS - _NEEDED_POINTS) * min(share - 1, 1)
    return round(worth, 2)


def _lessons(every: Tally, own: Tally) -> int:
    """Of the scarcer kind."""
    return min(max(every.spam, own.spam), max(every.ham, own.ham))


def _weighed(every: Tally, own: Tally) -> tuple[float, float]:
    """All lessons of spam and of ham, own ones with their weight."""
    weight = _weight_of_own(every, own)
    return max(every.spam + weight * own.spam, 1.0), max(every.ham + weight * own.ham, 1.0)


def _of_nothing(every: Tally, own: Tally) -> float:
    """Of the abundant kind more words are known, so that all new mail looks somewhat like it."""
    spam, ham = _weighed(every, own)
    return (_SKEW_TO_SPAM if spam > ham else _SKEW_TO_HAM) * math.log10(spam / ham)


def _weight_of_own(every: Tally, own: Tally) -> float:
    mine, others = sum(own), sum(every)
    if not mine:
        return 0.0
    return min(mine / OWN_FULL, 1.0) * min(OWN_MOST, max(others / (2 * mine), 1.0))
