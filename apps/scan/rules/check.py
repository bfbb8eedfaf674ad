"""The check `rules`: asks all of them. What it gathers is in `lookup`."""

from collections.abc import Sequence
from typing import ClassVar, Final

from apps.scan.base import Case, Finding, Given
from apps.scan.rulebook import Rule
from apps.scan.rules import authentication, authors, bodies, bulk, headers, lookup, subjects, texts
from apps.scan.rules.book import Book
from apps.scan.rules.seen import Seen

_BOOKS: Final[tuple[Book, ...]] = tuple(
    theme.BOOK for theme in (authentication, authors, headers, subjects, texts, bodies, bulk)
)
RULES: Final[tuple[Rule, ...]] = tuple(rule for book in _BOOKS for rule in book.rules)


class ContentRules:
    """Rules about header and content, and about who sent it."""

    name: ClassVar[str] = "rules"

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        """Which domains are ours, who is called as its author is, whether a bounce is of ours."""
        return lookup.gather(cases)

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        """Ask every rule."""
        seen = Seen(case, given)
        return [finding for book in _BOOKS for finding in book.findings(seen)]
