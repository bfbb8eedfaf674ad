"""What a list is asked for, as it stands in the address of its page, where anybody may write
anything.

A list says what it can be asked in a subclass of `Filter`. Its page, its pager, its file and what
is done to many of its rows all read and write the question through that one class.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlencode

from apps.console.typed import storable, typed
from apps.runtime import keyset

MAX_TEXT: Final = 320  # characters of what is searched for: the longest address


def words(most: int) -> dict[str, Any]:
    """Metadata of a field: a text of so many characters at most."""
    return {"most": most}


def choice(values: Collection[str]) -> dict[str, Any]:
    """Metadata of a field: one of some values; what is none of them is as if nothing was said."""
    return {"values": frozenset(values)}


def order(values: Collection[str]) -> dict[str, Any]:
    """Metadata of a field that sorts and narrows nothing: one of some orders."""
    return {"values": frozenset(values), "narrows": False}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is asked for; "" asks for anything. Fields of subclasses are texts too, with the
    metadata `words`, `choice` or `order` where they are not just something typed.

    Args:
        text: what is searched for; the list says in what.
        after: the cursor of the page, "" for the first one.
    """

    PLACE: ClassVar[str] = "after"  # what an address calls the cursor

    text: str = ""
    after: str = field(default="", metadata={"narrows": False})

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """Read what came in an address or a form."""
        taken: dict[str, str] = {}
        for one in fields(cls):
            given = typed(values, one.name, one.metadata.get("most", MAX_TEXT))
            is_possible = given in one.metadata.get("values", (given,))
            taken[one.name] = given if is_possible else str(one.default)
        # A cursor is no text of a person's: white space in it counts.
        taken["after"] = storable(values.get(cls.PLACE, ""))[: keyset.LONGEST]
        return cls(**taken)

    @property
    def narrowing(self) -> list[tuple[str, str]]:
        """Name and value of each filter that is set, for a form or a file of all that fit."""
        return [
            (one.name, value)
            for one in fields(self)
            if one.metadata.get("narrows", True) and (value := getattr(self, one.name))
        ]

    @property
    def is_narrow(self) -> bool:
        """Whether a filter is set."""
        return bool(self.narrowing)

    @property
    def here(self) -> list[tuple[str, str]]:
        """All of it with the place: for a form that comes back to this very page."""
        return self._pairs({self.PLACE: self.after})

    def query(self, **changes: str) -> str:
        """The same question with something changed, from the first page on, as a query string."""
        return urlencode(self._pairs(changes))

    def link(self, **changes: str) -> str:
        """The same with its question mark."""
        return f"?{self.query(**changes)}"

    def _pairs(self, changes: Mapping[str, str]) -> list[tuple[str, str]]:
        usual = {one.name: one.default for one in fields(self) if one.name != "after"}
        asked = {name: str(getattr(self, name)) for name in usual} | dict(changes)
        return [(name, value) for name, value in asked.items() if value != usual.get(name, "")]


@dataclass(frozen=True, slots=True)
class PeriodFilter(Filter):
    """A filter of what has a time.

    Args:
        since, until: days in UTC, as 2026-01-31; both are in it.
    """

    since: str = ""
    until: str = ""

    @property
    def errors(self) -> dict[str, str]:
        """What of it is no day, by the name of the field."""
        wrong = {
            name: "A day, such as 2026-01-31."
            for name in ("since", "until")
            if getattr(self, name) and _day(getattr(self, name)) is None
        }
        if not wrong and self.since and self.until and self.since > self.until:
            wrong["until"] = "The last day is before the first one."
        return wrong

    @property
    def period(self) -> tuple[datetime | None, datetime | None]:
        """The first moment, and the first one after; a day that is none bounds nothing."""
        until = _day(self.until)
        return _day(self.since), None if until is None else until + timedelta(days=1)


def _day(text: str) -> datetime | None:
    """The beginning of a day in UTC; years of which there is a next day."""
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-01-31") else None
    except ValueError:
        return None
    if day is None or not 1970 <= day.year < 9999:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
