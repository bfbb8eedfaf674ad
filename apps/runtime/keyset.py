"""Pages by key: a page begins after the values that its order has in the last row of the page
before it. So the thousandth page costs what the first one does, and rows that come or go while
somebody turns pages neither hide others nor show them twice.

Where a page begins travels through addresses as a text, the cursor. Anybody may write any: what is
none reads as the beginning. A cursor is no permission either: it narrows the rows that a query has
found, and adds none to them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.wire.numbers import whole_number

LONGEST: Final = 1_000  # characters of a cursor
BATCH: Final = 500  # rows of a statement where all are read
_SIGN: Final = "~"  # between the values of a cursor

Row = TypeVar("Row")
Value: TypeAlias = int | str | datetime | UUID


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an order, which is never null.

    Args:
        name: as `order_by` has it, and as rows have it: an annotation where it is another table's.
        kind: of its values; numbers are from 0 to 63 bits, times have a zone.
        falls: from the greatest to the least.
    """

    name: str
    kind: type[Value] = int
    falls: bool = False


class Order:
    """By which columns rows are sorted. Together they are unique, and an index begins with them in
    this order: that makes pages cheap. One of them at most is a text, which stands last in the
    cursor and may contain anything.
    """

    __slots__ = ("_columns", "_written")

    def __init__(self, *columns: Column) -> None:
        self._columns = columns
        self._written = sorted(columns, key=lambda one: one.kind is str)
        assert sum(one.kind is str for one in columns) <= 1

    @property
    def names(self) -> list[str]:
        """For `order_by`."""
        return [f"-{one.name}" if one.falls else one.name for one in self._columns]

    def cursor(self, row: object) -> str:
        """Where the page after a row begins; a row is an object, or a mapping."""
        return _SIGN.join(_text(_value(row, one.name)) for one in self._written)

    def after(self, cursor: str) -> Q | None:
        """The rows behind a cursor; None for what is none."""
        values = self.values(cursor)
        return None if values is None else _behind(self._columns, values)

    def values(self, cursor: str) -> dict[str, Value] | None:
        """The values of a cursor by the names of their columns; None for what is none."""
        texts = cursor.split(_SIGN, len(self._written) - 1)
        if not 0 < len(cursor) <= LONGEST or len(texts) != len(self._written):
            return None
        values: dict[str, Value] = {}
        for one, text in zip(self._written, texts, strict=True):
            value = _read(one.kind, text)
            if value is None:
                return None
            values[one.name] = value
        return values


def _behind(columns: Iterable[Column], values: Mapping[str, Value]) -> Q:
    """The first column's own range stands outside of the "or": an index serves it."""
    first, *others = columns
    value, way = values[first.name], "lt" if first.falls else "gt"
    beyond = Q(**{f"{first.name}__{way}": value})
    if not others:
        return beyond
    return Q(**{f"{first.name}__{way}e": value}) & (beyond | _behind(others, values))


def _value(row: object, name: str) -> Any:
    return row[name] if isinstance(row, Mapping) else getattr(row, name)


def _text(value: Value) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _read(kind: type[Value], text: str) -> Value | None:
    if kind is int:
        return whole_number(text)
    if kind is datetime:
        return _time(text)
    return _uuid(text) if kind is UUID else _plain(text)


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.utcoffset() == timedelta(0) else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _plain(text: str) -> str | None:
    """As a statement can carry it: Postgres takes no NUL and no half of a pair."""
    is_plain = "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)
    return text if is_plain else None


@dataclass(frozen=True, slots=True)
class Piece(Generic[Row]):
    """The rows of a page.

    Args:
        is_first: nothing stands before them, also because the cursor was none.
        following: the cursor of the next page; "" if this is the last one.
    """

    rows: list[Row]
    is_first: bool
    following: str


def piece(found: QuerySet[Any, Row], order: Order, cursor: str, most: int) -> Piece[Row]:
    """A page of so many rows at the most, in one statement."""
    place = order.after(cursor)
    if place is not None:
        found = found.filter(place)
    # One more than is shown tells whether there is a next page.
    rows = list(found.order_by(*order.names)[: most + 1])
    shown = rows[:most]
    following = order.cursor(shown[-1]) if len(rows) > most else ""
    return Piece(shown, is_first=place is None, following=following)


def batches(found: QuerySet[Any, Row], order: Order) -> Iterator[list[Row]]:
    """All rows, a statement for some hundred: memory stays small, and no transaction gets long."""
    got = piece(found, order, "", BATCH)
    while got.rows:
        yield got.rows
        if not got.following:
            return
        got = piece(found, order, got.following, BATCH)


def walk(found: QuerySet[Any, Row], order: Order) -> Iterator[Row]:
    """The same one by one."""
    return chain.from_iterable(batches(found, order))
