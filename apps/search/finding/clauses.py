"""What a query asks as a condition in SQL over entries `e`.

The texts are constants of this module put together; whatever was typed goes in as parameters.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Any, Final

from django.db import connection

from apps.mailstore.models import (
    FLAG_ANSWERED,
    FLAG_DELETED,
    FLAG_DRAFT,
    FLAG_FLAGGED,
    FLAG_SEEN,
)
from apps.mime.dates import YEAR_MIN
from apps.runtime.rows import among, listed
from apps.search.finding.scope import Scope
from apps.search.finding.texts import Members, Texts
from apps.search.language.nodes import (
    Attached,
    Days,
    Every,
    In,
    Is,
    Label,
    Leaf,
    Mark,
    Mine,
    Node,
    Not,
    Octets,
    Some,
    Text,
)

FEW: Final = 1_000
"""Ids that go in as a list, by which the database can find entries."""
MAP_MAX: Final = 8 * 1024 * 1024
"""Octets of a map of ids: one for each id between the least and the greatest."""

_FLAGS: Final = {
    Mark.READ: FLAG_SEEN,
    Mark.STARRED: FLAG_FLAGGED,
    Mark.ANSWERED: FLAG_ANSWERED,
    Mark.DRAFT: FLAG_DRAFT,
    Mark.DELETED: FLAG_DELETED,
}
# On SQLite the table itself holds wide rows: one page for each message that is asked about.
_ATTACHED: Final = (
    "EXISTS (SELECT 1 FROM mailstore_message AS m WHERE m.id = e.message_id AND m.has_attachments)"
)
_KEYWORD: Final = (
    "(e.keywords <> 0 AND EXISTS (SELECT 1 FROM mailstore_keyword AS k"
    " WHERE k.mailbox_id = e.mailbox_id AND {ids}"
    " AND (e.keywords >> CAST(k.bit AS integer)) & 1 = 1))"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition with its parameters; it stands by itself, in brackets if it needs them."""

    sql: str
    parameters: tuple[Any, ...] = ()


EVERYTHING: Final = Clause("1 = 1")
NOTHING: Final = Clause("1 = 0")


class Compiler:
    """Makes conditions of the nodes of one query.

    Args:
        zone: whose days `before:` and its like count.
    """

    def __init__(self, scope: Scope, texts: Texts, me: str, zone: tzinfo) -> None:
        self._scope = scope
        self._texts = texts
        self._me = me
        self._zone = zone

    def clause(self, nodes: Sequence[Node], *, surely: bool = False) -> Clause:
        """All of `nodes`.

        Args:
            surely: only what is known to be so; else also what may turn out to be.
        """
        return self._all(nodes, surely)

    def _node(self, node: Node, surely: bool) -> Clause:
        match node:
            case Not(one):
                inner = self._node(one, not surely)
                return Clause(f"NOT ({inner.sql})", inner.parameters)
            case Every(many):
                return self._all(many, surely)
            case Some(many):
                return self._any(many, surely)
            case Text() | Mine():
                return member(self._members(node, surely))
            case _:
                return self._leaf(node)

    def _all(self, nodes: Sequence[Node], surely: bool) -> Clause:
        """Texts first and as one: what all of them leave is often little."""
        sets, others = self._apart(nodes, surely)
        clauses = [self._node(node, surely) for node in others]
        if sets:
            clauses.insert(0, member(Members(_common(sets))))
        return _joined(" AND ", clauses) if clauses else EVERYTHING

    def _any(self, nodes: Sequence[Node], surely: bool) -> Clause:
        sets, others = self._apart(nodes, surely)
        clauses = [self._node(node, surely) for node in others]
        if sets:
            clauses.insert(0, member(Members(set().union(*sets))))
        return _joined(" OR ", clauses)

    def _apart(self, nodes: Sequence[Node], surely: bool) -> tuple[list[Set[int]], list[Node]]:
        """The messages of those texts that are a set of ids, and the other nodes."""
        sets: list[Set[int]] = []
        others: list[Node] = []
        for node in nodes:
            if isinstance(node, Text | Mine):
                found = self._members(node, surely)
                if not found.are_all_but:
                    sets.append(found.ids)
                    continue
            others.append(node)
        return sets, others

    def _members(self, node: Text | Mine, surely: bool) -> Members:
        text = mine(node, self._me) if isinstance(node, Mine) else node
        return self._texts.surely(text) if surely else self._texts.possibly(text)

    def _leaf(self, leaf: Leaf) -> Clause:
        match leaf:
            case Is(Mark.FORWARDED) | Label():
                return self._keyword(leaf)
            case Is(mark):
                return Clause("(e.flags & %s) <> 0", (_FLAGS[mark],))
            case Attached():
                return Clause(_ATTACHED)
            case In(name):
                return _one_of("e.mailbox_id", sorted(self._scope.named[name]))
            case Octets(is_larger, octets):
                return Clause(f"e.size {'>' if is_larger else '<'} %s", (octets,))
            case Days(first, until):
                return self._days(first, until)
            case _:
                raise AssertionError(leaf)

    def _keyword(self, leaf: Label | Is) -> Clause:
        ids = self._scope.keyword_ids(leaf)
        if not ids:
            return NOTHING
        return Clause(_KEYWORD.format(ids=among("k.id")), (listed(ids),))

    def _days(self, first: date | None, until: date | None) -> Clause:
        clauses = []
        if first is not None:
            clauses.append(Clause("e.internaldate >= %s", (self._moment(first),)))
        if until is not None:
            clauses.append(Clause("e.internaldate < %s", (self._moment(until),)))
        return _joined(" AND ", clauses)

    def _moment(self, day: date) -> int:
        """When a day begins, Unix seconds. Years before mail would lie outside of some zones."""
        day = max(day, date(YEAR_MIN, 1, 1))
        return int(datetime.combine(day, time(), self._zone).timestamp())


def mine(node: Mine, address: str) -> Text:
    """What `from:me` looks for."""
    return Text(node.where, address)


def _common(sets: Sequence[Set[int]]) -> Set[int]:
    least, *others = sorted(sets, key=len)
    for one in others:
        least &= one
    return least


def _joined(word: str, clauses: Sequence[Clause]) -> Clause:
    if len(clauses) == 1:
        return clauses[0]
    sql = word.join([one.sql for one in clauses])
    return Clause(f"({sql})", tuple(value for one in clauses for value in one.parameters))


def both(*clauses: Clause) -> Clause:
    """All of these."""
    return _joined(" AND ", clauses)


def _one_of(column: str, ids: Sequence[int]) -> Clause:
    return Clause(among(column), (listed(ids),)) if ids else NOTHING


def member(members: Members) -> Clause:
    """The message is one of these."""
    inner = _among_messages(members.ids)
    return Clause(f"NOT {inner.sql}", inner.parameters) if members.are_all_but else inner


def _among_messages(ids: Set[int]) -> Clause:
    """A list for few ids, by which entries are found; for many on SQLite a map, which is asked for
    every entry: 100,000 of them in 10 ms, where a list takes ten times as long to be taken in."""
    if not ids:
        return NOTHING
    if len(ids) > FEW and connection.vendor == "sqlite":
        least, most = min(ids), max(ids)
        if most - least < MAP_MAX:
            return Clause(
                "(e.message_id >= %s AND substr(%s, e.message_id - %s, 1) = x'01')",
                (least, _map(ids, least, most), least - 1),
            )
    return _one_of("e.message_id", sorted(ids))


def _map(ids: Set[int], least: int, most: int) -> bytes:
    marks = bytearray(most - least + 1)
    for one in ids:
        marks[one - least] = 1
    return bytes(marks)
