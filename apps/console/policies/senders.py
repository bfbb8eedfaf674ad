"""Lists of allowed and blocked senders as the console shows them: a page by key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import Q, QuerySet
from django.http import QueryDict

from apps.console.typed import typed
from apps.mime.headers import printable
from apps.scan.models import ListEntry, Verb
from apps.scan.scopes import Scope

PAGE: Final = 50
MAX_TEXT: Final = 320
_COLUMNS: Final = ("verb", "value", "kind", "created_at", "note")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; "" asks for anything.

    Args:
        text: part of a sender or of a note.
        verb: allow or block.
        after: the last value of the page before.
    """

    text: str = ""
    verb: str = ""
    after: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Wanted":
        """Read what came in a URL: anything."""

        def taken(name: str) -> str:
            return typed(values, name, MAX_TEXT)

        verb = taken("verb")
        return cls(taken("text"), verb if verb in Verb.values else "", taken("after"))

    @property
    def is_narrow(self) -> bool:
        """Whether a filter is set."""
        return bool(self.text or self.verb)

    def query(self, after: str = "") -> str:
        """As it stands behind the `?`."""
        query = QueryDict(mutable=True)
        values = {"text": self.text, "verb": self.verb, "after": after}
        query.update({name: value for name, value in values.items() if value})
        return query.urlencode() or "text="


@dataclass(frozen=True, slots=True)
class Entry:
    """A sender of a list."""

    verb: str
    value: str
    kind: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some of them by value, and what the pager wants."""

    entries: list[Entry]
    words: str = ""
    query_first: str = ""
    query_next: str = ""


def page(scope: Scope, wanted: Wanted) -> Page:
    """A page; one statement."""
    found = _of(scope)
    if wanted.text:
        folded = wanted.text.casefold()
        found = found.filter(Q(value__contains=folded) | Q(note__icontains=wanted.text))
    if wanted.verb:
        found = found.filter(verb=wanted.verb)
    if wanted.after:
        found = found.filter(value__gt=wanted.after)
    rows = [_entry(row) for row in found.order_by("value").values_list(*_COLUMNS)[: PAGE + 1]]
    shown = rows[:PAGE]
    return Page(
        shown,
        query_first=wanted.query() if wanted.after else "",
        query_next=wanted.query(shown[-1].value) if len(rows) > PAGE else "",
    )


def named(scope: Scope, values: Sequence[str]) -> list[Entry]:
    """Those of a list that are named."""
    rows = _of(scope).filter(value__in=list(values)).order_by("value")
    return [_entry(row) for row in rows.values_list(*_COLUMNS)]


def count(scope: Scope) -> int:
    """How many there are."""
    return _of(scope).count()


def everything(scope: Scope) -> Iterator[Entry]:
    """All of a list by value; a statement for some hundred rows."""
    after = ""
    while rows := list(
        _of(scope).filter(value__gt=after).order_by("value").values_list(*_COLUMNS)[:500]
    ):
        yield from map(_entry, rows)
        after = rows[-1][1]


def _of(scope: Scope) -> QuerySet[ListEntry]:
    return ListEntry.objects.filter(domain=scope.domain_id, user=scope.user_id)


def _entry(row: tuple[str, str, str, int, str]) -> Entry:
    verb, value, kind, at, note = row
    # Notes that commands wrote may quote a stranger.
    return Entry(verb, value, kind, datetime.fromtimestamp(at, UTC), printable(note))
