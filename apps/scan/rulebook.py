"""A rule as others know it: a stable name, its points, and what it means, in one line. Pure.

Names and points are an interface: administrators set other points for a name, scripts count it,
docs/spam-rules.md lists it. `catalogue.RULES` has those of all checks.
"""

from dataclasses import dataclass

from apps.scan.base import Action, Finding


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Args:
        name: upper case with underscores; its first word is its kind, whose points are bounded.
        points: what it adds; the least of it, if that depends on how much was found.
        means: for the page, without a full stop: what is true of a message that it names.
        most: the most that it adds; None: always `points`.
        action: what it asks for beside its points.
    """

    name: str
    points: float
    means: str
    most: float | None = None
    action: Action = Action.NONE

    def found(
        self, words: str, *, reader: int | None = None, points: float | None = None
    ) -> Finding:
        """The finding that it names: `words` say what was seen, with the values seen."""
        points = self.points if points is None else points
        return Finding(self.name, points, words, reader, self.action)
