"""From what was typed to what it asks.

Blanks mean "and"; OR binds closer than that: `a OR b c` asks for c and one of a and b. `-` and NOT
deny what follows. `from:(amy OR bob)` gives each of several values to one operator. Nothing that
can be typed is an error: what cannot be understood is looked for as text, and a hint says so. The
work is linear, and the tree is bounded whatever was typed.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from apps.search.language import values
from apps.search.language.lexing import Cutter, Kind, Piece
from apps.search.language.nodes import (
    Attached,
    Days,
    Every,
    Factor,
    Hint,
    In,
    Is,
    Label,
    Mark,
    Mine,
    Node,
    Octets,
    Query,
    Some,
    Text,
    Where,
    opposite,
)

LENGTH_MAX: Final = 2_000
"""Characters of a query that are looked at."""
LEAVES_MAX: Final = 30
DEPTH_MAX: Final = 10
"""Brackets inside brackets."""
HINTS_MAX: Final = 10

ME: Final = "me"

_ALIASES: Final = {
    "folder": "in",
    "mailbox": "in",
    "keyword": "label",
    "tag": "label",
    "file": "filename",
    "since": "after",
    "newer": "after",
    "older": "before",
    "date": "on",
    "size": "larger",
}
_TEXTS: Final = {where.value: where for where in Where if where is not Where.ANYWHERE}
_MINE: Final = frozenset((Where.FROM, Where.TO, Where.CC, Where.BCC))
_IS: Final[dict[str, Node]] = {
    **{mark.value[0]: Is(mark) for mark in Mark},
    **{mark.value[1]: opposite(Is(mark)) for mark in Mark if mark.value[1]},
    "seen": Is(Mark.READ),
    "unseen": opposite(Is(Mark.READ)),
    "new": opposite(Is(Mark.READ)),
    "flagged": Is(Mark.STARRED),
    "unflagged": opposite(Is(Mark.STARRED)),
    "replied": Is(Mark.ANSWERED),
}
_HAS: Final[dict[str, Node]] = {
    **dict.fromkeys(("attachment", "attachments", "file"), Attached()),
    **dict.fromkeys(("label", "labels"), Label("")),
    **dict.fromkeys(("star", "stars"), Is(Mark.STARRED)),
}
_EVERYWHERE: Final = frozenset(("anywhere", "all"))
_EXAMPLES: Final = {
    "is": "is:unread, is:starred, is:answered",
    "has": "has:attachment or has:label",
    "larger": "larger:5M",
    "smaller": "smaller:100K",
    "older_than": "older_than:6m",
    "newer_than": "newer_than:7d",
}
_DAY_EXAMPLE: Final = "2026-11-25, 2026-11, 2026, today or yesterday"


def _on(text: str, today: date) -> Node | None:
    span = values.days(text, today)
    return None if span is None else Days(*span)


def _before(text: str, today: date) -> Node | None:
    span = values.days(text, today)
    return None if span is None else Days(None, span[0])


def _after(text: str, today: date) -> Node | None:
    span = values.days(text, today)
    return None if span is None else Days(span[0], None)


def _older(text: str, today: date) -> Node | None:
    day = values.ago(text, today)
    return None if day is None else Days(None, day)


def _newer(text: str, today: date) -> Node | None:
    day = values.ago(text, today)
    return None if day is None else Days(day, None)


def _larger(text: str, _: date) -> Node | None:
    octets = values.octets(text)
    return None if octets is None else Octets(True, octets)


def _smaller(text: str, _: date) -> Node | None:
    octets = values.octets(text)
    return None if octets is None else Octets(False, octets)


def _in(text: str, _: date) -> Node | None:
    return In("" if text.lower() in _EVERYWHERE else text)


_READERS: Final[dict[str, Callable[[str, date], Node | None]]] = {
    "is": lambda text, _: _IS.get(text.lower()),
    "has": lambda text, _: _HAS.get(text.lower()),
    "label": lambda text, _: Label(text),
    "in": _in,
    "on": _on,
    "before": _before,
    "after": _after,
    "older_than": _older,
    "newer_than": _newer,
    "larger": _larger,
    "smaller": _smaller,
}
OPERATORS: Final = (*_TEXTS, *_READERS)
"""The operators by their own names."""
_NAMES: Final = frozenset((*OPERATORS, *_ALIASES))


def parse(text: str, today: date) -> Query:
    """What a query asks.

    Args:
        today: the day it is where it was typed; `yesterday` and `newer_than:` count from there.
    """
    return _Parser(text, today).query()


@dataclass(slots=True)
class _Factor:
    """One of the things that all must hold: some alternatives, of which one is enough."""

    start: int
    end: int
    alternatives: list[Node] = field(default_factory=list)

    def node(self) -> Node:
        return _joined(Some, self.alternatives)


@dataclass(slots=True)
class _Frame:
    """What stands between two brackets, as far as it has been read.

    name: the operator whose values stand here, empty for none.
    waiting: OR, signs of denial and an operator that still want something to follow.
    """

    start: int
    name: str
    factors: list[_Factor] = field(default_factory=list)
    either: Piece | None = None
    denials: list[Piece] = field(default_factory=list)
    operator: Piece | None = None

    def node(self) -> Node | None:
        nodes = [factor.node() for factor in self.factors]
        return _joined(Every, nodes) if nodes else None


def _joined(kind: type[Every] | type[Some], nodes: list[Node]) -> Node:
    """One node of several; those of the same kind are taken apart, for they say the same."""
    if len(nodes) == 1:
        return nodes[0]
    flat: list[Node] = []
    for node in nodes:
        if isinstance(node, kind):
            flat.extend(node.many)
        else:
            flat.append(node)
    return kind(tuple(flat))


class _Parser:
    def __init__(self, text: str, today: date) -> None:
        self._whole = text
        self._text = text[:LENGTH_MAX]
        self._today = today
        self._hints: list[Hint] = []
        self._frames = [_Frame(0, "")]
        self._ignored = 0  # brackets too deep that are open
        self._leaves = 0
        self._takes: dict[Kind, Callable[[Piece], None]] = {
            Kind.WORD: self._value,
            Kind.PHRASE: self._value,
            Kind.NAME: self._operator,
            Kind.OPEN: self._open,
            Kind.CLOSE: self._close,
            Kind.MINUS: self._deny,
            Kind.NOT: self._deny,
            Kind.OR: self._or,
            Kind.AND: self._and,
        }

    def query(self) -> Query:
        cutter = Cutter(self._text, _NAMES)
        pieces = cutter.pieces()
        for name, start, end in cutter.unknown:
            self._unknown(name, start, end)
        for piece in pieces:
            self._takes[piece.kind](piece)
        end = len(self._text)
        while len(self._frames) > 1:
            start = self._frames[-1].start
            self._hint("open-bracket", "The bracket is not closed.", start, start + 1)
            self._end_frame(end)
        self._settle(self._frames[0])
        if len(self._whole) > LENGTH_MAX:
            words = f"Only the first {LENGTH_MAX:,} characters were looked at."
            self._hint("too-long", words, LENGTH_MAX, len(self._whole))
        factors = [Factor(one.node(), one.start, one.end) for one in self._frames[0].factors]
        self._hints.sort(key=lambda hint: hint.start)
        return Query(self._whole, tuple(factors), tuple(self._hints[:HINTS_MAX]))

    # -- pieces -----------------------------------------------------------------------------------

    def _value(self, piece: Piece) -> None:
        frame = self._frames[-1]
        if piece.is_open:
            self._hint("open-quote", "The quote is not closed.", piece.start, piece.start + 1)
        name = frame.operator.text if frame.operator else frame.name
        if not piece.text.strip() or (piece.text == "-" and not name):
            # A hyphen by itself separates: nobody looks for one.
            self._drop(frame)
            return
        node = self._understood(name, piece)
        start = frame.operator.start if frame.operator else piece.start
        frame.operator = None
        self._add(node, start, piece.end)

    def _understood(self, name: str, piece: Piece) -> Node:
        text = piece.text
        name = _ALIASES.get(name, name)
        if not name:
            return Text(Where.ANYWHERE, text)
        if (where := _TEXTS.get(name)) is not None:
            is_me = piece.kind is Kind.WORD and text.lower() == ME and where in _MINE
            return Mine(where) if is_me else Text(where, text)
        node = _READERS[name](text.strip(), self._today)
        if node is not None:
            return node
        example = _EXAMPLES.get(name, _DAY_EXAMPLE)
        words = f"“{name}:{text[:40]}” is looked for as text: {name}: takes {example}."
        self._hint("odd-value", words, piece.start, piece.end)
        return Text(Where.ANYWHERE, f"{name}:{text}")

    def _operator(self, piece: Piece) -> None:
        frame = self._frames[-1]
        self._without_value(frame)
        frame.operator = piece

    def _open(self, piece: Piece) -> None:
        frame = self._frames[-1]
        if len(self._frames) > DEPTH_MAX:
            words = f"Only {DEPTH_MAX} brackets inside each other are taken."
            self._hint("too-deep", words, piece.start, piece.end)
            self._ignored += 1
            return
        name = frame.operator.text if frame.operator else frame.name
        start = frame.operator.start if frame.operator else piece.start
        frame.operator = None
        # Signs that stand before the bracket wait in the frame outside of it until it is closed.
        self._frames.append(_Frame(start, name))

    def _close(self, piece: Piece) -> None:
        if self._ignored:
            self._ignored -= 1
        elif len(self._frames) > 1:
            self._end_frame(piece.end)

    def _end_frame(self, end: int) -> None:
        frame = self._frames[-1]
        self._settle(frame)
        self._frames.pop()
        node = frame.node()
        if node is None:
            if self._leaves <= LEAVES_MAX:  # else there may be something that was left out
                words = "There is nothing in the brackets."
                self._hint("empty-bracket", words, frame.start, end)
            self._drop(self._frames[-1])
        else:
            self._place(node, frame.start, end)

    def _deny(self, piece: Piece) -> None:
        frame = self._frames[-1]
        self._without_value(frame)
        frame.denials.append(piece)

    def _or(self, piece: Piece) -> None:
        frame = self._frames[-1]
        self._without_value(frame)
        if not frame.factors or frame.either or frame.denials:
            self._as_word(piece)
        else:
            frame.either = piece

    def _and(self, piece: Piece) -> None:
        frame = self._frames[-1]
        self._without_value(frame)
        if not frame.factors or frame.either or frame.denials:
            self._as_word(piece)

    # -- what follows of them ---------------------------------------------------------------------

    def _add(self, node: Node, start: int, end: int) -> None:
        """Put a leaf where it belongs."""
        self._leaves += 1
        if self._leaves > LEAVES_MAX:
            words = f"Only the first {LEAVES_MAX} things to look for were taken."
            if self._leaves == LEAVES_MAX + 1:
                self._hint("too-many", words, start, end)
            self._drop(self._frames[-1])
            return
        self._place(node, start, end)

    def _place(self, node: Node, start: int, end: int) -> None:
        frame = self._frames[-1]
        for denial in reversed(frame.denials):
            node, start = opposite(node), denial.start
        frame.denials = []
        if frame.either is None:
            frame.factors.append(_Factor(start, end))
        frame.either = None
        frame.factors[-1].alternatives.append(node)
        frame.factors[-1].end = end

    def _settle(self, frame: _Frame) -> None:
        """The end of a frame: whatever still waits waits in vain."""
        self._without_value(frame)
        denials, frame.denials = frame.denials, []
        either, frame.either = frame.either, None
        for piece in (*denials, *filter(None, (either,))):
            if piece.kind is not Kind.MINUS:
                self._as_word(piece)

    def _without_value(self, frame: _Frame) -> None:
        if frame.operator is not None:
            piece, frame.operator = frame.operator, None
            words = f"“{piece.text}:” wants something to follow."
            self._hint("no-value", words, piece.start, piece.end)
            self._drop(frame)

    def _drop(self, frame: _Frame) -> None:
        """Nothing comes where something was to come: what waited for it goes as well."""
        frame.operator, frame.either, frame.denials = None, None, []

    def _as_word(self, piece: Piece) -> None:
        words = f"“{piece.text}” has nothing to join here and is looked for as a word."
        self._hint("odd-word", words, piece.start, piece.end)
        self._add(self._understood(self._frames[-1].name, piece), piece.start, piece.end)

    def _unknown(self, name: str, start: int, end: int) -> None:
        near = difflib.get_close_matches(name, OPERATORS, n=1, cutoff=0.7)
        words = f"There is no operator “{name}:”; it is looked for as text."
        if near:
            words += f" Did you mean “{near[0]}:”?"
        self._hint("unknown-operator", words, start, end)

    def _hint(self, code: str, text: str, start: int, end: int) -> None:
        if len(self._hints) < 4 * HINTS_MAX:
            self._hints.append(Hint(code, text, start, end))
