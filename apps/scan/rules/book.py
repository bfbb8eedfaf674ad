"""How a rule is written: a function that looks at a message and says what it saw, in words.

    BOOK = Book()

    @BOOK.rule("HEADER_NO_DATE", 1.0, "it has no Date field")
    def no_date(seen: Seen) -> str | None: ...

None is nothing seen. A rule may return `Weighed` instead, where it has more than one weight, or a
list of them where it concerns some readers only.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from apps.scan.base import Finding
from apps.scan.rulebook import Rule
from apps.scan.rules.seen import Seen


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a rule saw, and how much it counts this time; for one reader only, if that is given."""

    words: str
    points: float
    reader: int | None = None


Look = Callable[[Seen], "str | Weighed | list[Weighed] | None"]


@dataclass(frozen=True, slots=True)
class _Entry:
    rule: Rule
    look: Look
    incoming: bool


class Book:
    """The rules of one theme."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def rule(
        self,
        name: str,
        points: float,
        means: str,
        *,
        most: float | None = None,
        incoming: bool = False,
    ) -> Callable[[Look], Look]:
        """Write a rule into the book.

        Args:
            incoming: not asked about mail that a user of ours submits.
        """

        def write(look: Look) -> Look:
            self._entries.append(_Entry(Rule(name, points, means, most), look, incoming))
            return look

        return write

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What the book holds, in order."""
        return tuple(entry.rule for entry in self._entries)

    def findings(self, seen: Seen) -> Iterator[Finding]:
        """Ask every rule."""
        for entry in self._entries:
            if entry.incoming and seen.case.is_outgoing:
                continue
            said = entry.look(seen)
            if isinstance(said, str):
                yield entry.rule.found(said)
            elif said:
                for one in said if isinstance(said, list) else [said]:
                    yield entry.rule.found(one.words, reader=one.reader, points=one.points)
