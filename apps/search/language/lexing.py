"""A query cut into what it is made of: words, phrases, operators, brackets. Linear, never fails.

A sign means something only where a word may begin: `12" monitor`, `print()`, `e-mail` and
`--force` are plain words. What follows an operator at once is its value, whatever it looks like.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

CURLY: Final = "\u201c\u201d\u201e\u201f"
"""Quotes as telephones and word processors make them of `"`."""

_NAME: Final = re.compile(r"([A-Za-z_]{2,20}):")
_BLANKS: Final = re.compile(r"\s+")
_JOINING: Final = frozenset(("OR", "AND", "NOT"))


class Kind(Enum):
    """What a piece is."""

    WORD = auto()
    PHRASE = auto()
    NAME = auto()  # of an operator, in lower case
    OPEN = auto()
    CLOSE = auto()
    MINUS = auto()
    OR = auto()
    AND = auto()
    NOT = auto()


@dataclass(frozen=True, slots=True)
class Piece:
    """`start` and `end` count characters of the query.

    is_open: a phrase whose closing quote is missing; it reaches to the end.
    """

    kind: Kind
    text: str
    start: int
    end: int
    is_open: bool = False


class Cutter:
    """Cuts one query."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self._text = text
        self._names = names
        self._at = 0
        self._depth = 0  # brackets that are open
        self._is_value = False  # an operator stands just before
        self.unknown: list[tuple[str, int, int]] = []
        """Words that look like operators and are none: name, start, end."""

    def pieces(self) -> list[Piece]:
        """All of it, in order."""
        found: list[Piece] = []
        while True:
            if (blanks := _BLANKS.match(self._text, self._at)) is not None:
                self._at = blanks.end()
                self._is_value = False
            if self._at >= len(self._text):
                return found
            piece = self._next()
            self._at = piece.end
            self._is_value = piece.kind is Kind.NAME
            found.append(piece)

    def _next(self) -> Piece:
        at, char = self._at, self._text[self._at]
        if char == '"' or char in CURLY:
            return self._phrase(char)
        if char == "(":
            self._depth += 1
            return Piece(Kind.OPEN, char, at, at + 1)
        if char == ")" and self._depth:
            self._depth -= 1
            return Piece(Kind.CLOSE, char, at, at + 1)
        if self._is_value:
            return self._word()
        if char == "-":
            return self._hyphen()
        return self._name() or self._word()

    def _hyphen(self) -> Piece:
        """Not, before something; what begins with two is a word, and so is one by itself."""
        at = self._at
        following = self._text[at + 1 : at + 2]
        if following in ("", "-", ")") or following.isspace():
            return self._word()
        return Piece(Kind.MINUS, "-", at, at + 1)

    def _phrase(self, quote: str) -> Piece:
        start = self._at
        closing = '"' if quote == '"' else CURLY
        kept: list[str] = []
        at = start + 1
        while at < len(self._text):
            char = self._text[at]
            if char in closing:
                if char != '"' or self._text[at + 1 : at + 2] != '"':
                    return Piece(Kind.PHRASE, "".join(kept), start, at + 1)
                at += 1  # two quotes stand for one
            kept.append(char)
            at += 1
        return Piece(Kind.PHRASE, "".join(kept), start, at, is_open=True)

    def _name(self) -> Piece | None:
        found = _NAME.match(self._text, self._at)
        if found is None:
            return None
        name = found[1].lower()
        if name in self._names:
            return Piece(Kind.NAME, name, found.start(), found.end())
        if not self._text.startswith("//", found.end()):  # https:// is no operator
            self.unknown.append((name, found.start(), found.end()))
        return None

    def _word(self) -> Piece:
        """Up to a blank, or to a bracket that closes what the word did not open."""
        start = at = self._at
        depth = 0
        while at < len(self._text) and not (char := self._text[at]).isspace():
            if char == "(":
                depth += 1
            elif char == ")" and depth:
                depth -= 1
            elif char == ")" and self._depth and at > start:
                break
            at += 1
        text = self._text[start:at]
        kind = Kind[text] if text in _JOINING and not self._is_value else Kind.WORD
        return Piece(kind, text, start, at)
