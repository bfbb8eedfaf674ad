"""SEARCH keys (RFC 3501 section 6.4.4 and its extensions) as a flat program in postfix order.

`NOT NOT NOT …`, `OR OR OR …` and `((((…` may be as deep as a line is long, so neither the parser
nor who runs the program recurses: both keep a stack of their own. Each different leaf is held once,
whatever the client repeats, so the cost of a search is leaves times messages.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from enum import Enum, auto

from apps.imap.proto.dates import parse_date
from apps.imap.proto.flags import KEYWORD_MAX, SYSTEM
from apps.imap.proto.objectid import parse_object_id
from apps.imap.proto.scanner import NUMBER64_MAX, GrammarError, LimitError, Scanner
from apps.imap.proto.sets import SequenceSet, parse_set
from apps.mime.charset import codec_for

TEXT_KEYS_MAX = 100
"""Different string keys in one SEARCH: each is looked for in every candidate."""
TEXT_MAX = 1_000
"""Characters in one string to look for."""
KEYS_MAX = 500
"""Different keys in one SEARCH: each costs an octet for every message of the mailbox."""


class CharsetError(Exception):
    """The command's CHARSET is not one of ours, or its strings are not in it."""


class Op(Enum):
    """What joins: NOT takes one value from the stack, AND and OR take two. FUZZY (RFC 6203) is said
    to the leaves below it and is no step of a program."""

    NOT = auto()
    AND = auto()
    OR = auto()
    FUZZY = auto()


class Relation(Enum):
    """How a day or a size is compared with the one given."""

    BEFORE = auto()
    ON = auto()
    SINCE = auto()


@dataclass(frozen=True, slots=True)
class All:
    """Every message."""


@dataclass(frozen=True, slots=True)
class HasFlag:
    """A system flag by its bit is set."""

    bit: int


@dataclass(frozen=True, slots=True)
class Recent:
    """The message is \\Recent to this session."""


@dataclass(frozen=True, slots=True)
class HasKeyword:
    """A keyword is set; compared without case."""

    name: str


@dataclass(frozen=True, slots=True)
class InSet:
    """The UID, or the sequence number, is in the set."""

    numbers: SequenceSet
    uid: bool


@dataclass(frozen=True, slots=True)
class InternalDay:
    """The day of the internal date."""

    relation: Relation
    day: datetime.date


@dataclass(frozen=True, slots=True)
class SentDay:
    """The day of the Date field."""

    relation: Relation
    day: datetime.date


@dataclass(frozen=True, slots=True)
class SavedDay:
    """The day, in UTC, on which the message came into its mailbox (RFC 8514 section 4.3)."""

    relation: Relation
    day: datetime.date


@dataclass(frozen=True, slots=True)
class Age:
    """The internal date is at least so many seconds ago; or, if `younger`, at most (RFC 5032)."""

    seconds: int
    younger: bool


@dataclass(frozen=True, slots=True)
class ChangedSince:
    """The modseq is this one or a larger one (RFC 7162 section 3.1.5)."""

    modseq: int


@dataclass(frozen=True, slots=True)
class IsEmail:
    """The EMAILID is this one (RFC 8474 section 6)."""

    identifier: bytes


@dataclass(frozen=True, slots=True)
class InThread:
    """The THREADID is this one (RFC 8474 section 6)."""

    identifier: bytes


@dataclass(frozen=True, slots=True)
class Size:
    """RFC822.SIZE: BEFORE is smaller, SINCE is larger; never equal."""

    relation: Relation
    octets: int


@dataclass(frozen=True, slots=True)
class HeaderHas:
    """A field `name` (upper-case) contains `text`; with no text: there is such a field. `fuzzy`:
    its words will do, in any order."""

    name: bytes
    text: str
    fuzzy: bool = False


@dataclass(frozen=True, slots=True)
class TextHas:
    """The body contains `text`; with `header`, the header counts too. `fuzzy` as in `HeaderHas`."""

    text: str
    header: bool
    fuzzy: bool = False


Leaf = (
    All
    | HasFlag
    | Recent
    | HasKeyword
    | InSet
    | InternalDay
    | SentDay
    | SavedDay
    | Age
    | ChangedSince
    | IsEmail
    | InThread
    | Size
    | HeaderHas
    | TextHas
)


@dataclass(frozen=True, slots=True)
class SearchProgram:
    """`steps` in postfix order: an int is an index into `leaves`. `is_fuzzy`: FUZZY was said."""

    leaves: tuple[Leaf, ...]
    steps: tuple[int | Op, ...]
    is_fuzzy: bool = False

    @property
    def is_conjunction(self) -> bool:
        """Whether a message must match every leaf."""
        return all(isinstance(step, int) or step is Op.AND for step in self.steps)

    @property
    def asks_modseq(self) -> bool:
        """Whether the answer must tell a modseq (RFC 7162 section 3.1.6)."""
        return any(isinstance(leaf, ChangedSince) for leaf in self.leaves)

    @property
    def has_numbers(self) -> bool:
        """Whether sequence numbers stand in it."""
        return any(
            isinstance(leaf, InSet) and not leaf.uid and not leaf.numbers.is_saved
            for leaf in self.leaves
        )


@dataclass(slots=True)
class _Frame:
    """An operator that still waits for operands, or an open parenthesis (`op` is None)."""

    op: Op | None
    missing: int
    joined: int = 0


_FLAGS: dict[bytes, tuple[int, bool]] = {
    **{name[1:]: (bit, True) for name, bit in SYSTEM.items()},
    **{b"UN" + name[1:]: (bit, False) for name, bit in SYSTEM.items()},
}
_MODSEQ_KINDS = frozenset({b"PRIV", b"SHARED", b"ALL"})
_DAYS = {b"BEFORE": Relation.BEFORE, b"ON": Relation.ON, b"SINCE": Relation.SINCE}
_SIZES = {b"SMALLER": Relation.BEFORE, b"LARGER": Relation.SINCE}
_HEADERS = frozenset({b"BCC", b"CC", b"FROM", b"SUBJECT", b"TO"})


@dataclass(slots=True)
class _Compiler:
    scanner: Scanner
    charset: str
    leaves: dict[Leaf, int] = field(default_factory=dict)
    steps: list[int | Op] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    texts: int = 0
    fuzzy: int = 0  # open FUZZY keys
    is_fuzzy: bool = False

    def run(self) -> SearchProgram:
        """Compile all keys up to the end of the command, joined by AND."""
        self.stack.append(_Frame(None, 0))
        while True:
            self._key()
            while len(self.stack) > 1 and self.stack[-1].op is None and self.scanner.take(b")"):
                self._close()
            if self.scanner.take(b" "):
                if self.scanner.at_end and len(self.stack) == 1:
                    break
                continue
            break
        if len(self.stack) > 1:
            raise GrammarError("unfinished search key")
        self.scanner.end()
        return SearchProgram(tuple(self.leaves), tuple(self.steps), self.is_fuzzy)

    def _key(self) -> None:
        """Compile one key: an opening, a prefix operator, or a leaf with what it completes."""
        while self.scanner.take(b"("):
            self.stack.append(_Frame(None, 0))
        if self.scanner.peek(b"*") or self.scanner.peek(b"$") or self._digit_next():
            self._leaf(InSet(parse_set(self.scanner), uid=False))
            return
        word = self.scanner.word("a search key")
        if word == b"NOT":
            self.stack.append(_Frame(Op.NOT, 1))
        elif word == b"OR":
            self.stack.append(_Frame(Op.OR, 2))
        elif word == b"FUZZY":
            self.stack.append(_Frame(Op.FUZZY, 1))
            self.fuzzy += 1
            self.is_fuzzy = True
        else:
            self._leaf_by_name(word)

    def _digit_next(self) -> bool:
        return any(self.scanner.peek(digit) for digit in _DIGITS)

    def _close(self) -> None:
        frame = self.stack.pop()
        if not frame.joined:
            raise GrammarError("expected a search key between the parentheses")
        self._value()

    def _leaf(self, leaf: Leaf, *, negated: bool = False) -> None:
        self.steps.append(self.leaves.setdefault(leaf, len(self.leaves)))
        if len(self.leaves) > KEYS_MAX:
            raise LimitError(f"At most {KEYS_MAX} different search keys")
        if negated:
            self.steps.append(Op.NOT)
        self._value()

    def _value(self) -> None:
        """One value is ready: apply every operator that waited for just this one."""
        while (frame := self.stack[-1]).op is not None:
            frame.missing -= 1
            if frame.missing:
                return
            self.stack.pop()
            if frame.op is Op.FUZZY:
                self.fuzzy -= 1
            else:
                self.steps.append(frame.op)
        frame.joined += 1
        if frame.joined > 1:
            self.steps.append(Op.AND)

    # -- leaves -------------------------------------------------------------------------------

    def _leaf_by_name(self, word: bytes) -> None:
        if word in _FLAGS:
            bit, wanted = _FLAGS[word]
            self._leaf(HasFlag(bit), negated=not wanted)
        elif word in _SIMPLE:
            self._simple(word)
        elif word.startswith(b"SENT") and word[4:] in _DAYS:
            self._leaf(SentDay(_DAYS[word[4:]], self._date()))
        elif word.startswith(b"SAVED") and word[5:] in _DAYS:
            self._leaf(SavedDay(_DAYS[word[5:]], self._date()))
        elif word in _DAYS:
            self._leaf(InternalDay(_DAYS[word], self._date()))
        elif word in _SIZES:
            self.scanner.space()
            self._leaf(Size(_SIZES[word], self.scanner.number("a size", NUMBER64_MAX)))
        elif word in _NUMBERED:
            self._numbered(word)
        else:
            self._string_key(word)

    def _numbered(self, word: bytes) -> None:
        self.scanner.space()
        if word == b"UID":
            self._leaf(InSet(parse_set(self.scanner), uid=True))
        elif word == b"MODSEQ":
            self._modseq()
        elif word == b"EMAILID":
            self._leaf(IsEmail(parse_object_id(self.scanner.atom("an object identifier"))))
        elif word == b"THREADID":
            self._leaf(InThread(parse_object_id(self.scanner.atom("an object identifier"))))
        else:
            seconds = self.scanner.number("seconds")
            if not seconds:
                raise GrammarError("expected at least a second")
            self._leaf(Age(seconds, younger=word == b"YOUNGER"))

    def _modseq(self) -> None:
        """One modseq is kept for all there is of a message, so whose it is is only checked."""
        if self.scanner.next_is_string():
            if not self.scanner.string().lower().startswith(b"/flags/"):
                raise GrammarError('expected an entry name such as "/flags/\\\\Seen"')
            self.scanner.space()
            if self.scanner.word("priv, shared or all") not in _MODSEQ_KINDS:
                raise GrammarError("expected priv, shared or all")
            self.scanner.space()
        self._leaf(ChangedSince(self.scanner.number("a mod-sequence", NUMBER64_MAX)))

    def _simple(self, word: bytes) -> None:
        if word in {b"ALL", b"SAVEDATESUPPORTED"}:  # RFC 8514: it is, for every mailbox
            self._leaf(All())
        elif word in {b"RECENT", b"OLD"}:
            self._leaf(Recent(), negated=word == b"OLD")
        else:  # NEW is RECENT UNSEEN
            self.stack.append(_Frame(Op.AND, 2))
            self._leaf(Recent())
            self._leaf(HasFlag(SYSTEM[b"\\SEEN"]), negated=True)

    def _string_key(self, word: bytes) -> None:
        if word in {b"KEYWORD", b"UNKEYWORD"}:
            self.scanner.space()
            name = self.scanner.atom("a keyword")[:KEYWORD_MAX].decode("ascii").upper()
            self._leaf(HasKeyword(name), negated=word == b"UNKEYWORD")
        elif word == b"HEADER":
            self.scanner.space()
            field_name = self.scanner.astring("a field name").upper()
            self._text(HeaderHas(field_name, self._astring(), self.fuzzy > 0))
        elif word in _HEADERS:
            self._text(HeaderHas(word, self._astring(), self.fuzzy > 0))
        elif word in {b"BODY", b"TEXT"}:
            self._text(TextHas(self._astring(), word == b"TEXT", self.fuzzy > 0))
        else:
            raise GrammarError("expected a search key")

    def _text(self, leaf: Leaf) -> None:
        self.texts += leaf not in self.leaves
        if self.texts > TEXT_KEYS_MAX:
            raise LimitError(f"At most {TEXT_KEYS_MAX} strings to search for")
        self._leaf(leaf)

    def _astring(self) -> str:
        self.scanner.space()
        raw = self.scanner.astring("a string to search for")
        try:
            text = raw.decode(self.charset)
        except UnicodeError:
            raise CharsetError from None
        if len(text) > TEXT_MAX:
            raise LimitError(f"At most {TEXT_MAX} characters in a string to search for")
        return text

    def _date(self) -> datetime.date:
        self.scanner.space()
        return parse_date(self.scanner.astring("a date"))


_SIMPLE = frozenset({b"ALL", b"RECENT", b"OLD", b"NEW", b"SAVEDATESUPPORTED"})
_NUMBERED = frozenset({b"UID", b"MODSEQ", b"EMAILID", b"THREADID", b"OLDER", b"YOUNGER"})
_DIGITS = tuple(b"%d" % digit for digit in range(10))


def parse_program(scanner: Scanner) -> SearchProgram:
    """Take an optional CHARSET and all search keys, up to the end of the command.

    Strings without a CHARSET, and those said to be US-ASCII, are read as UTF-8: it contains
    US-ASCII, and clients send it.

    Raises:
        GrammarError: not in the grammar.
        LimitError: over a limit.
        CharsetError: answer NO [BADCHARSET].
    """
    if scanner.take_word(b"CHARSET "):
        return parse_program_in_charset(scanner)
    return _Compiler(scanner, "utf-8").run()


def parse_program_in_charset(scanner: Scanner) -> SearchProgram:
    """Take a charset and all search keys: SORT and THREAD always name one (RFC 5256).

    Raises: as `parse_program`.
    """
    codec = "utf-8"
    charset = scanner.astring("a charset").upper()
    scanner.space()
    if charset not in {b"US-ASCII", b"ASCII"} and not (codec := codec_for(charset)):
        raise CharsetError
    return _Compiler(scanner, codec).run()
