"""One command's tokens, read left to right (RFC 3501 section 9).

`Scanner` promises: every method either takes what it names or raises `GrammarError` with our own
words for what was expected; work linear in the octets; no recursion; nothing of the client's input
in the error text, which goes back to the client in a BAD.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from apps.wire.lines import Literal, RawCommand, Token

T = TypeVar("T")

NUMBER_MAX = 2**32 - 1
NUMBER64_MAX = 2**63 - 1
REMEMBERED = 128
"""Ends of commands that `remembering` keeps, for each function."""
REMEMBERED_OCTETS = 512
"""Octets of the longest of them."""

_ATOM = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+")
_ASTRING_ATOM = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+")
_LIST_MAILBOX = re.compile(rb"[!#$%&'*+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+")
_WORD = re.compile(rb"[A-Za-z0-9.\-=]+")
_SET = re.compile(rb"[0-9:*,]+")
_DIGITS = re.compile(rb"[0-9]+")
# RFC 3501 allows only 7-bit characters here; all servers take 8-bit ones, and clients send them.
_QUOTED = re.compile(rb'"((?:[^"\\\r\n\x00]|\\["\\])*+)"')
_UNESCAPE = re.compile(rb"\\(.)")


class GrammarError(Exception):
    """The command is not in the grammar; the text says what was expected: answer BAD."""


class LimitError(Exception):
    """The command is in the grammar and asks for more than is served: answer NO [LIMIT]."""


class Scanner:
    """A cursor over one `RawCommand`."""

    __slots__ = ("_index", "_line", "_pos", "_tokens")

    def __init__(self, command: RawCommand) -> None:
        self._tokens: tuple[Token, ...] = command.tokens
        self._index = 0
        self._pos = 0
        first = command.tokens[0]
        self._line: bytes = first if isinstance(first, bytes) else b""

    @property
    def rest(self) -> bytes | None:
        """The octets that are left; None if a literal is among them."""
        return self._line[self._pos :] if self._index + 1 >= len(self._tokens) else None

    def leave(self) -> None:
        """Step over all of `rest`."""
        self._pos = len(self._line)

    # -- looking ------------------------------------------------------------------------------

    @property
    def at_end(self) -> bool:
        """Whether nothing is left of the command."""
        return self._pos >= len(self._line) and self._index + 1 >= len(self._tokens)

    def peek(self, expected: bytes) -> bool:
        """Whether the next octets of the line are `expected`."""
        return self._line.startswith(expected, self._pos)

    def next_is_string(self) -> bool:
        """Whether a quoted string or a literal comes next."""
        return self.peek(b'"') or self._literal_is_next()

    def next_is_literal(self) -> bool:
        """Whether a literal comes next."""
        return self._literal_is_next()

    def _literal_is_next(self) -> bool:
        return self._pos >= len(self._line) and self._index + 1 < len(self._tokens)

    # -- punctuation --------------------------------------------------------------------------

    def take(self, expected: bytes) -> bool:
        """Step over `expected` if it comes next; tell whether it did."""
        if not self._line.startswith(expected, self._pos):
            return False
        self._pos += len(expected)
        return True

    def take_word(self, expected: bytes) -> bool:
        """Step over the word `expected` (upper-case) in any case; tell whether it did."""
        end = self._pos + len(expected)
        if self._line[self._pos : end].upper() != expected:
            return False
        self._pos = end
        return True

    def expect(self, expected: bytes) -> None:
        """Step over `expected`."""
        if not self.take(expected):
            raise GrammarError(f"expected {_name(expected)}")

    def space(self) -> None:
        """Step over the one space between arguments."""
        self.expect(b" ")

    def end(self) -> None:
        """Insist that the command ends here. Trailing blanks are forgiven: clients send them."""
        while self.take(b" "):
            pass
        if not self.at_end:
            raise GrammarError("expected the end of the command")

    # -- words --------------------------------------------------------------------------------

    def _match(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        found = pattern.match(self._line, self._pos)
        if found is None:
            raise GrammarError(f"expected {what}")
        self._pos = found.end()
        return found[0]

    def atom(self, what: str = "an atom") -> bytes:
        """Take an atom."""
        return self._match(_ATOM, what)

    def word(self, what: str = "a word") -> bytes:
        """Take a keyword of the grammar, in upper case."""
        return self._match(_WORD, what).upper()

    def number(self, what: str = "a number", most: int = NUMBER_MAX) -> int:
        """Take an unsigned number up to `most`."""
        digits = self._match(_DIGITS, what)
        # The length first: int() of a line full of digits takes quadratic time.
        if len(digits) > 20 or int(digits) > most:
            raise GrammarError(f"{what} is too large")
        return int(digits)

    def sequence_set(self) -> bytes:
        """Take the text of a sequence set; `proto.sets.parse_set` reads it."""
        return self._match(_SET, "a sequence set")

    # -- strings ------------------------------------------------------------------------------

    def string(self, what: str = "a string") -> bytes:
        """Take a quoted string or a literal."""
        if self._literal_is_next():
            return self.literal().data
        if not self.peek(b'"'):
            raise GrammarError(f"expected {what}")
        found = _QUOTED.match(self._line, self._pos)
        if found is None:
            raise GrammarError(
                "expected a closing quote, and a backslash only before \\ or a quote"
            )
        self._pos = found.end()
        raw = found[1]
        return _UNESCAPE.sub(rb"\1", raw) if b"\\" in raw else raw

    def astring(self, what: str = "a string") -> bytes:
        """Take an atom, a quoted string or a literal."""
        return self.string(what) if self.next_is_string() else self._match(_ASTRING_ATOM, what)

    def nstring(self, what: str = "a string or NIL") -> bytes | None:
        """Take a string, or NIL as None."""
        if self.next_is_string():
            return self.string(what)
        if self.atom(what).upper() != b"NIL":
            raise GrammarError(f"expected {what}")
        return None

    def list_mailbox(self) -> bytes:
        """Take a mailbox pattern of LIST."""
        what = "a mailbox pattern"
        return self.string(what) if self.next_is_string() else self._match(_LIST_MAILBOX, what)

    def literal(self, what: str = "a literal") -> Literal:
        """Take a literal and step to the text after it."""
        literal = self.literal8(what)
        if literal.binary:  # only few arguments may be a literal8
            raise GrammarError("expected a literal without ~")
        return literal

    def literal8(self, what: str = "a literal") -> Literal:
        """Take a literal, or one with `~` that may carry NUL octets (RFC 3516 section 4.4), and
        step to the text after it."""
        if not self._literal_is_next():
            raise GrammarError(f"expected {what}")
        literal, line = self._tokens[self._index + 1], self._tokens[self._index + 2]
        assert isinstance(literal, Literal)
        assert isinstance(line, bytes)
        self._index += 2
        self._line, self._pos = line, 0
        if b"\0" in literal.data and not literal.binary:  # RFC 3501 section 9: CHAR8 has none
            raise GrammarError("expected a literal without NUL octets")
        return literal


def remembering(parse: Callable[[Scanner], T]) -> Callable[[Scanner], T]:
    """Return a function that reads the end of a command as `parse` does, and remembers what it
    was: mail programs say the same few things again and again, of other messages each time.

    Args:
        parse: reads to the end; what it returns depends on nothing else, cannot be changed and is
            no secret.
    """

    @lru_cache(maxsize=REMEMBERED)
    def known(rest: bytes) -> T:
        return parse(Scanner(RawCommand((rest,))))

    def remembered(scanner: Scanner) -> T:
        rest = scanner.rest
        if rest is None or len(rest) > REMEMBERED_OCTETS:
            return parse(scanner)
        found = known(rest)
        scanner.leave()
        return found

    return remembered


def _name(expected: bytes) -> str:
    return {b" ": "a space", b"(": "an opening parenthesis", b")": "a closing parenthesis"}.get(
        expected, repr(expected.decode("ascii"))
    )
