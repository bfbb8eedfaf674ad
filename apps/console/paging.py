"""Pages of lists, and what stands below them (`templates/console/_pager.html`).

A list is a filter, an order and a function that makes lines of rows: whatever there is, a page
costs the same few statements.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db.models import QuerySet

from apps.console.filters import Filter
from apps.runtime.keyset import Order, piece

PAGE: Final = 50  # lines
COUNTED: Final = 10_000  # rows; there are "more than" so many beyond

Line = TypeVar("Line")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Line]):
    """Some lines of a list.

    Args:
        first_link, next_link: where the first and the next page are; "" if there is none.
        total: how many there are in all, in words; "" where nobody counts.
        nouns: what one of them and several are called; empty where the page need not say it.
        said: what stands in place of how many are shown.
    """

    lines: list[Line]
    first_link: str = ""
    next_link: str = ""
    total: str = ""
    nouns: tuple[str, ...] = ()
    said: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether there is no other page."""
        return not (self.first_link or self.next_link)

    @property
    def words(self) -> str:
        """How many of how many are shown."""
        if self.said:
            return self.said
        shown = len(self.lines)
        if self.is_whole:
            return f"{shown:,} {self.nouns[shown != 1]}" if self.nouns else ""
        return f"{shown:,} of {self.total}" if self.total else f"{shown:,} on this page"


def page(
    found: QuerySet[Any, Row],
    order: Order,
    wanted: Filter,
    lines: Callable[[Sequence[Row]], list[Line]],
    *,
    counts: QuerySet[Any, Any] | str | None = None,
    nouns: tuple[str, ...] = (),
) -> Page[Line]:
    """The page that is wanted of what was found.

    Args:
        lines: makes a line of each row; it is called once, for all that are shown.
        counts: what is counted to say how many there are in all, only where there is another page;
            or that, where it is known.
    """
    got = piece(found, order, wanted.after, PAGE)
    is_whole = got.is_first and not got.following
    return Page(
        lines(got.rows),
        first_link="" if got.is_first else wanted.link(),
        next_link=next_link(wanted, got.following),
        total="" if is_whole else _total(counts),
        nouns=nouns,
    )


def _total(counts: QuerySet[Any, Any] | str | None) -> str:
    if counts is None or isinstance(counts, str):
        return counts or ""
    return counted(counts)


def next_link(wanted: Filter, cursor: str) -> str:
    """Where the page behind a cursor is; "" without one."""
    return wanted.link(**{wanted.PLACE: cursor}) if cursor else ""


def counted(found: QuerySet[Any, Any]) -> str:
    """How many there are, in words; beyond COUNTED only that they are more. In a subquery that
    ends: nobody waits until millions are counted."""
    return how_many(found.order_by()[: COUNTED + 1].count())


def how_many(count: int) -> str:
    """A number of rows of which one more than COUNTED were counted at the most, in words."""
    return f"more than {COUNTED:,}" if count > COUNTED else f"{count:,}"
