"""Lists of allowed and blocked senders as the console shows them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import Q, QuerySet

from apps.console import paging
from apps.console.filters import Filter, choice
from apps.console.paging import Page
from apps.mime.headers import printable
from apps.runtime.keyset import Column, Order, walk
from apps.scan.models import ListEntry, Verb
from apps.scan.scopes import Scope

_ORDER: Final = Order(Column("value", str))
_COLUMNS: Final = ("verb", "value", "kind", "created_at", "note")


@dataclass(frozen=True, slots=True)
class Wanted(Filter):
    """What is asked for.

    Args:
        text: part of a sender or of a note.
        verb: allow or block.
    """

    verb: str = field(default="", metadata=choice(Verb.values))


@dataclass(frozen=True, slots=True)
class Entry:
    """A sender of a list."""

    verb: str
    value: str
    kind: str
    at: datetime
    note: str


def page(scope: Scope, wanted: Wanted) -> Page[Entry]:
    """A page; one statement."""
    found = _of(scope)
    if wanted.text:
        folded = wanted.text.casefold()
        found = found.filter(Q(value__contains=folded) | Q(note__icontains=wanted.text))
    if wanted.verb:
        found = found.filter(verb=wanted.verb)
    return paging.page(found.values(*_COLUMNS), _ORDER, wanted, _entries)


def named(scope: Scope, values: Sequence[str]) -> list[Entry]:
    """Those of a list that are named."""
    rows = _of(scope).filter(value__in=list(values)).order_by("value")
    return _entries(rows.values(*_COLUMNS))


def count(scope: Scope) -> int:
    """How many there are."""
    return _of(scope).count()


def everything(scope: Scope) -> Iterator[Entry]:
    """All of a list by value; a statement for some hundred rows."""
    return map(_entry, walk(_of(scope).values(*_COLUMNS), _ORDER))


def _of(scope: Scope) -> QuerySet[ListEntry]:
    return ListEntry.objects.filter(domain=scope.domain_id, user=scope.user_id)


def _entries(rows: Iterable[dict[str, Any]]) -> list[Entry]:
    return [_entry(row) for row in rows]


def _entry(row: dict[str, Any]) -> Entry:
    at = datetime.fromtimestamp(row["created_at"], UTC)
    # Notes that commands wrote may quote a stranger.
    return Entry(row["verb"], row["value"], row["kind"], at, printable(row["note"]))
