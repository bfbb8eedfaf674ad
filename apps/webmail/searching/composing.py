"""A query made of the fields of a form, and one with something added to it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from apps.search.language import values
from apps.search.language.nodes import (
    Attached,
    Days,
    Factor,
    In,
    Is,
    Label,
    Mark,
    Node,
    Not,
    Octets,
    Query,
    Text,
    Where,
)
from apps.search.language.parsing import parse
from apps.search.language.writing import write

TYPED_MAX: Final = 10_000
"""Characters of a query that are carried along; `parse` looks at fewer, and says so."""
_FIELD_MAX: Final = 500  # characters of one field of a form


def typed(text: str) -> str:
    """What was typed, as far as it is carried along: without NUL, which no page can hold, and on
    one line."""
    return text[:TYPED_MAX].replace("\0", " ").strip()


def added(query: Query, *nodes: Node) -> str:
    """The query with more that must hold."""
    return write(replace(query, factors=(*query.factors, *(Factor(one, 0, 0) for one in nodes))))


def composed(fields: Mapping[str, str], today: date) -> str:
    """The query that a filled form asks.

    Args:
        fields: `q` and `words` as typed; the others by the names of `NAMES`. Empty ones, and those
            that cannot be read, ask nothing.
    """
    said = " ".join(filter(None, (fields.get("q", "").strip(), fields.get("words", "").strip())))
    query = parse(typed(said), today)
    nodes: list[Node] = []
    for name, read in _READERS.items():
        if value := typed(fields.get(name, "")[:_FIELD_MAX]):
            nodes += read(value, today)
    return added(query, *nodes)


def _text(where: Where) -> Callable[[str, date], list[Node]]:
    return lambda value, _: [Text(where, value)]


def _without(value: str, today: date) -> list[Node]:
    """None of the words: each by itself, so that one is enough to leave a message out."""
    return [Not(factor.node) for factor in parse(value, today).factors]


def _within(value: str, today: date) -> list[Node]:
    day = values.ago(value, today)
    return [] if day is None else [Days(day, None)]


def _since(value: str, today: date) -> list[Node]:
    span = values.days(value, today)
    return [] if span is None else [Days(span[0], None)]


def _until(value: str, today: date) -> list[Node]:
    """The last day too: people who name a span mean all of it."""
    span = values.days(value, today)
    if span is None or span[1] - span[0] > timedelta(days=366):
        return []
    return [Days(None, span[1])]


def _larger(value: str, _: date) -> list[Node]:
    octets = values.octets(value)
    return [] if octets is None else [Octets(True, octets)]


def _ending(value: str, _: date) -> list[Node]:
    return [Text(Where.FILENAME, f".{value.removeprefix('.')}")]


_READERS: Final[dict[str, Callable[[str, date], list[Node]]]] = {
    "from": _text(Where.FROM),
    "to": _text(Where.TO),
    "subject": _text(Where.SUBJECT),
    "without": _without,
    "in": lambda value, _: [In("" if value == "anywhere" else value)],
    "label": lambda value, _: [Label(value)],
    "within": _within,
    "since": _since,
    "until": _until,
    "larger": _larger,
    "ending": _ending,
    "attached": lambda *_: [Attached()],
    "unread": lambda *_: [Not(Is(Mark.READ))],
}
NAMES: Final = ("words", *_READERS)
"""The fields of the form of filters."""
