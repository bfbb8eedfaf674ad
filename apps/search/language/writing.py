"""A query told back: one way to write each thing, which is read as the same thing again.

What a page shows as chips, and what it puts into the search box when one is taken off.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from apps.search.language.lexing import CURLY
from apps.search.language.nodes import (
    Attached,
    Days,
    Every,
    In,
    Is,
    Label,
    Leaf,
    Mine,
    Node,
    Not,
    Octets,
    Query,
    Some,
    Text,
)

_BARE: Final = re.compile(rf'[^\s"{CURLY}():-][^\s"{CURLY}():]*')
_NOT_BARE: Final = frozenset(("OR", "AND", "NOT", "anywhere", "all"))
_UNITS: Final = ((40, "T"), (30, "G"), (20, "M"), (10, "K"))


@dataclass(frozen=True, slots=True)
class Chip:
    """One of the things that all must hold.

    Args:
        name: of the operator, empty for text and for what is several things together.
        value: what it is given, or the text; of several things all of it as a query.
        is_denied: it must not be so.
        text: the whole as a query.
        rest: the query without it.
    """

    name: str
    value: str
    is_denied: bool
    text: str
    rest: str


def chips(query: Query) -> tuple[Chip, ...]:
    """The things a query asks, in order."""
    texts = [written(factor.node) for factor in query.factors]
    found = []
    for place, factor in enumerate(query.factors):
        others = [*query.factors[:place], *query.factors[place + 1 :]]
        rest = _together([one.node for one in others])
        name, value, is_denied = _told(factor.node)
        found.append(Chip(name, value, is_denied, texts[place], rest))
    return tuple(found)


def write(query: Query) -> str:
    """The whole query, written the one way."""
    return _together([factor.node for factor in query.factors])


def _together(nodes: list[Node]) -> str:
    if len(nodes) == 1:
        return written(nodes[0])
    return " ".join(f"({written(one)})" if isinstance(one, Some) else written(one) for one in nodes)


def written(node: Node) -> str:
    """One thing as a query."""
    match node:
        case Every(many):
            return f"({' '.join(map(_inner, many))})"
        case Some(many):
            return " OR ".join(map(_inner, many))
        case Not(Is(mark)) if mark.value[1]:
            return f"is:{mark.value[1]}"
        case Not(one):
            return f"-{_inner(one)}"
        case _:
            name, value = _leaf(node)
            return f"{name}:{value}" if name else value


def _inner(node: Node) -> str:
    text = written(node)
    return f"({text})" if isinstance(node, Some) else text


def _told(node: Node) -> tuple[str, str, bool]:
    """Name, value, and whether it is denied."""
    match node:
        case Not(Is(mark)) if mark.value[1]:
            return "is", mark.value[1], False
        case Not(one):
            return (*_told(one)[:2], True)
        case Every() | Some():
            return "", written(node), False
        case Text(where, text):
            return where.value, text, False
        case Label(name) if name:
            return "label", name, False
        case In(name) if name:
            return "in", name, False
        case _:
            return (*_leaf(node), False)


def _leaf(node: Leaf) -> tuple[str, str]:
    """Its operator and the value as it is typed."""
    match node:
        case Text(where, text):
            return where.value, _quoted(text)
        case Mine(where):
            return where.value, "me"
        case Is(mark):
            return "is", mark.value[0]
        case Attached():
            return "has", "attachment"
        case Label(name):
            return ("label", _quoted(name)) if name else ("has", "label")
        case In(name):
            return "in", _quoted(name) if name else "anywhere"
        case Octets(is_larger, octets):
            return "larger" if is_larger else "smaller", _size(octets)
        case Days(first, until):
            return _days(first, until)


def _quoted(text: str) -> str:
    if _BARE.fullmatch(text) and text not in _NOT_BARE and text.lower() != "me":
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _size(octets: int) -> str:
    for shift, unit in _UNITS:
        if octets and octets % (1 << shift) == 0:
            return f"{octets >> shift}{unit}"
    return str(octets)


def _days(first: date | None, until: date | None) -> tuple[str, str]:
    if first is None:
        return "before", (until or date.min).isoformat()
    if until is None:
        return "after", first.isoformat()
    if until - first == timedelta(days=1):
        return "on", first.isoformat()
    return "on", f"{first:%Y-%m}" if until - first <= timedelta(days=31) else f"{first:%Y}"
