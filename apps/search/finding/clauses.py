"""What a query asks as a condition in SQL over entries `e`.

The texts are constants of this module put together; whatever was typed goes in as parameters.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
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
from apps.search.finding.texts import Members, Texts, Wanted, any_of, together
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

FEW: Final = 5_000
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
# The table holds wide rows, a page for each message that is asked about; this index only what has
# attachments, and SQLite takes it for no look-up by id unless it is told to.
_BY_INDEX: Final = {"sqlite": " INDEXED BY message_attached"}
_ATTACHED: Final = (
    "EXISTS (SELECT 1 FROM mailstore_message AS m{by}"
    " WHERE m.id = e.message_id AND m.has_attachments)"
)
# A place outside of the map must not be asked for; CASE keeps the order, AND may not.
_MAPPED: Final = {
    vendor: f"CASE WHEN e.message_id BETWEEN %s AND %s THEN {one} ELSE FALSE END"
    for vendor, one in {
        "sqlite": "substr(%s, e.message_id - %s + 1, 1) = x'01'",
        "postgresql": "get_byte(%s, CAST(e.message_id - %s AS integer)) = 1",
    }.items()
}
_KEYWORD: Final = (
    "(e.keywords <> 0 AND EXISTS (SELECT 1 FROM mailstore_keyword AS k"
    " WHERE k.mailbox_id = e.mailbox_id AND {ids}"
    " AND (e.keywords >> CAST(k.bit AS integer)) & 1 = 1))"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition with its parameters; it stands by itself, in brackets if it needs them.

    is_narrow: it leaves few messages, by which their entries are to be found.
    """

    sql: str
    parameters: tuple[Any, ...] = ()
    is_narrow: bool = False


_AND: Final = " AND "
_OR: Final = " OR "
EVERYTHING: Final = Clause("1 = 1")
NOTHING: Final = Clause("1 = 0", is_narrow=True)


class Compiler:
    """Makes conditions of the nodes of one query.

    Args:
        me: the addresses of whoever asks, one at least if `me` is asked for.
        zone: whose days `before:` and its like count.
    """

    def __init__(self, scope: Scope, texts: Texts, me: Sequence[str], zone: tzinfo) -> None:
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
                return self._all([node], surely)
            case _:
                return self._leaf(node)

    def _all(self, nodes: Sequence[Node], surely: bool) -> Clause:
        """Texts first and as one: what all of them leave is often little."""
        texts, others = apart(nodes, self._me)
        members = [self._members(one, surely) for one in together(texts)]
        sets = [one.ids for one in members if not one.are_all_but]
        clauses = [member(Members(_common(sets)))] if sets else []
        clauses += [member(one) for one in members if one.are_all_but]
        clauses += [self._node(node, surely) for node in others]
        return _joined(_AND, clauses) if clauses else EVERYTHING

    def _any(self, nodes: Sequence[Node], surely: bool) -> Clause:
        texts, others = apart(nodes, self._me)
        clauses = [member(self._members(one, surely)) for one in any_of(texts)]
        clauses += [self._node(node, surely) for node in others]
        return _joined(_OR, clauses)

    def _members(self, wanted: Wanted, surely: bool) -> Members:
        return self._texts.surely(wanted) if surely else self._texts.possibly(wanted)

    def _leaf(self, leaf: Leaf) -> Clause:
        match leaf:
            case Is(Mark.FORWARDED) | Label():
                return self._keyword(leaf)
            case Is(mark):
                return Clause("(e.flags & %s) <> 0", (_FLAGS[mark],))
            case Attached():
                return Clause(_ATTACHED.format(by=_BY_INDEX.get(connection.vendor, "")))
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
        return _joined(_AND, clauses)

    def _moment(self, day: date) -> int:
        """When a day begins, Unix seconds. Years before mail would lie outside of some zones."""
        day = max(day, date(YEAR_MIN, 1, 1))
        return int(datetime.combine(day, time(), self._zone).timestamp())


def apart(nodes: Iterable[Node], me: Sequence[str]) -> tuple[list[Text], list[Node]]:
    """The texts among nodes, and the others. `me` is what `from:me` looks for."""
    texts: list[Text] = []
    others: list[Node] = []
    for node in nodes:
        match node:
            case Text():
                texts.append(node)
            case Mine(where) if len(me) == 1:
                texts.append(Text(where, me[0]))
            case Mine(where):
                others.append(Some(tuple(Text(where, one) for one in me)))
            case _:
                others.append(node)
    return texts, others


def asked(nodes: Sequence[Node], me: Sequence[str]) -> list[Wanted]:
    """What `Compiler` will want to know of the texts in nodes that all must hold."""
    found: list[Wanted] = []
    waiting: list[tuple[Sequence[Node], bool]] = [(nodes, True)]
    while waiting:
        some, must_all = waiting.pop()
        texts, others = apart(some, me)
        found += together(texts) if must_all else any_of(texts)
        for node in others:
            match node:
                case Not(one):
                    waiting.append(((one,), True))
                case Every(many):
                    waiting.append((many, True))
                case Some(many):
                    waiting.append((many, False))
    return list(dict.fromkeys(found))


def _common(sets: Sequence[Set[int]]) -> Set[int]:
    least, *others = sorted(sets, key=len)
    for one in others:
        least = least & one  # a new set: in place it would change what is known of a text
    return least


def _joined(word: str, clauses: Sequence[Clause]) -> Clause:
    if len(clauses) == 1:
        return clauses[0]
    sql = word.join([one.sql for one in clauses])
    narrow = [one.is_narrow for one in clauses]
    return Clause(
        f"({sql})",
        tuple(value for one in clauses for value in one.parameters),
        is_narrow=any(narrow) if word == _AND else all(narrow),
    )


def both(*clauses: Clause) -> Clause:
    """All of these."""
    return _joined(_AND, clauses)


def _one_of(column: str, ids: Sequence[int]) -> Clause:
    return Clause(among(column), (listed(ids),)) if ids else NOTHING


def member(members: Members) -> Clause:
    """The message is one of these."""
    inner = _among_messages(members.ids)
    return Clause(f"NOT {inner.sql}", inner.parameters) if members.are_all_but else inner


def _among_messages(ids: Set[int]) -> Clause:
    """A list for few ids, by which entries are found; for many a map, which is asked for every
    entry: of 100,000 in 10 ms, where a list of as many takes ten times as long to be taken in."""
    if not ids:
        return NOTHING
    if len(ids) > FEW:
        least, most = min(ids), max(ids)
        if most - least < MAP_MAX:
            return Clause(_MAPPED[connection.vendor], (least, most, _map(ids, least, most), least))
    return replace(_one_of("e.message_id", sorted(ids)), is_narrow=len(ids) <= FEW)


def _map(ids: Set[int], least: int, most: int) -> bytes:
    marks = bytearray(most - least + 1)
    for one in ids:
        marks[one - least] = 1
    return bytes(marks)
