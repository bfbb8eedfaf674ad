"""What the points of another scanner weigh among ours. Pure.

Its points are put on our scale, and what it says in all is bounded: it is one voice. Alone it can
send a message to Junk, and have it refused only if it says that it would refuse it itself.
"""

from collections.abc import Iterator
from typing import Final

from apps.scan.base import Finding
from apps.scan.servers.answers import SCORED, Answer
from apps.scan.servers.rules import RSPAMD_REJECT

LEAST: Final = -4.0
MOST: Final = 8.0
REFUSED: Final = RSPAMD_REJECT.points
"""What "it would refuse it" comes to: the points from which we do."""

_SHOWN: Final = 20
_ROUNDING: Final = 0.05


def weighed(answer: Answer, scanner: str, scale: float) -> Iterator[Finding]:
    """A finding for each of its rules that counts.

    Args:
        scanner: its name, which the names of its rules begin with.
        scale: our points for as many of its own as it needs to act.
    """
    if answer["state"] != SCORED:
        return
    total = answer["points"] * (scale / answer["needed"] if answer["needed"] > 0 else 1.0)
    bounded = max(LEAST, min(MOST, total))
    # Each of its rules weighs as much less as all of them together.
    factor = bounded / answer["points"] if answer["points"] else 1.0
    left = round(bounded, 3)
    for rule, points, words in answer["symbols"][:_SHOWN] if _is_sane(answer, factor) else ():
        worth = round(points * factor, 2)
        if worth:
            left -= worth
            yield _finding(f"{scanner.upper()}_{rule}", worth, words or rule, scanner)
    if abs(left) >= _ROUNDING:
        words = f"in all {answer['points']:g} points, and {answer['needed']:g} are what it needs"
        yield _finding(f"{scanner.upper()}_OTHER", round(left, 2), words, scanner)
    if "reject" in answer:  # its whole weight: what one scanner says counts as its heaviest word
        words = f"it would refuse it: {answer['reject']}"
        yield _finding(f"{scanner.upper()}_REJECT", REFUSED, words, scanner)


def _is_sane(answer: Answer, factor: float) -> bool:
    """Whether its rules one by one are within reason; huge ones that outweigh each other are not,
    and then only their sum is taken."""
    return all(LEAST * 3 <= points * factor <= MOST * 3 for _, points, _ in answer["symbols"])


def _finding(rule: str, points: float, words: str, scanner: str) -> Finding:
    return Finding(rule, points, f"{scanner} says: {words}")
