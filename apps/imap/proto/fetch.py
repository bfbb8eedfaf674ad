"""What FETCH asks for (RFC 3501 section 6.4.5), as typed items, and of which messages.

Beside the items of IMAP itself: BINARY (RFC 3516), MODSEQ (RFC 7162), PREVIEW (RFC 8970), SAVEDATE
(RFC 8514), EMAILID and THREADID (RFC 8474); modifiers of RFC 4466 are CHANGEDSINCE, VANISHED (RFC
7162) and PARTIAL (RFC 9394).

`parse_items` promises: macros opened, each item once, in the order asked; at most `ITEMS_MAX`
different items, so that one short line cannot ask for a large message a thousand times.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from apps.imap.proto.partial import PartialRange, parse_partial
from apps.imap.proto.scanner import (
    NUMBER64_MAX,
    NUMBER_MAX,
    GrammarError,
    LimitError,
    Scanner,
    remembering,
)
from apps.imap.proto.sets import SequenceSet, parse_set

ITEMS_MAX = 100
PATH_MAX = 100
"""Levels in one section path: deeper than any tree that is kept."""
FIELDS_MAX = 200
"""Field names in one HEADER.FIELDS."""


class Attribute(Enum):
    """Items that are one value each."""

    UID = b"UID"
    FLAGS = b"FLAGS"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    MODSEQ = b"MODSEQ"
    PREVIEW = b"PREVIEW"
    SAVEDATE = b"SAVEDATE"
    EMAILID = b"EMAILID"
    THREADID = b"THREADID"

    __hash__ = object.__hash__  # each is one object; Enum hashes its name, in Python


class Part(Enum):
    """What of a part or message a section names."""

    ALL = b""
    HEADER = b"HEADER"
    FIELDS = b"HEADER.FIELDS"
    FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"

    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Section:
    """`1.2.HEADER.FIELDS (A B)`: path (1, 2), part FIELDS, fields upper-case (A, B)."""

    path: tuple[int, ...] = ()
    part: Part = Part.ALL
    fields: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class BodyItem:
    """BODY[section]<start.count>. `label` is how the answer names it."""

    section: Section
    label: bytes
    peek: bool = False
    partial: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class BinaryItem:
    """BINARY[1.2]<start.count>, or BINARY.SIZE[1.2] if `size_only`."""

    section: Section
    label: bytes
    peek: bool = False
    partial: tuple[int, int] | None = None
    size_only: bool = False


FetchItem = Attribute | BodyItem | BinaryItem

_A = Attribute
MACROS: dict[bytes, tuple[FetchItem, ...]] = {
    b"FAST": (_A.FLAGS, _A.INTERNALDATE, _A.SIZE),
    b"ALL": (_A.FLAGS, _A.INTERNALDATE, _A.SIZE, _A.ENVELOPE),
    b"FULL": (_A.FLAGS, _A.INTERNALDATE, _A.SIZE, _A.ENVELOPE, _A.BODY),
}
_WORDS: dict[bytes, FetchItem] = {
    **{attribute.value: attribute for attribute in Attribute},
    b"RFC822": BodyItem(Section(), b"RFC822"),
    b"RFC822.HEADER": BodyItem(Section(part=Part.HEADER), b"RFC822.HEADER", peek=True),
    b"RFC822.TEXT": BodyItem(Section(part=Part.TEXT), b"RFC822.TEXT"),
    # Of RFC 1730, and still sent by some clients: the same without \Seen, under the plain name.
    b"RFC822.PEEK": BodyItem(Section(), b"RFC822", peek=True),
    b"RFC822.TEXT.PEEK": BodyItem(Section(part=Part.TEXT), b"RFC822.TEXT", peek=True),
}
_BINARY = frozenset({b"BINARY", b"BINARY.PEEK", b"BINARY.SIZE"})
_PARTS = {part.value: part for part in Part if part.value}
_EXPECTED = (
    "expected a FETCH item: BODY[...], BODY.PEEK[...], BINARY[...], BINARY.PEEK[...],"
    " BINARY.SIZE[...] or one of "
) + ", ".join(sorted(word.decode("ascii") for word in _WORDS))


@dataclass(frozen=True, slots=True)
class Modifiers:
    """Which of the messages to answer for.

    changed_since: those with a larger modseq; None for all.
    vanished: whether to tell what was expunged since.
    partial: only these places of the set's messages, before `changed_since` is looked at.
    """

    changed_since: int | None = None
    vanished: bool = False
    partial: PartialRange | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """FETCH and UID FETCH."""

    numbers: SequenceSet
    items: tuple[FetchItem, ...]
    modifiers: Modifiers = Modifiers()


def parse_fetch(scanner: Scanner) -> Fetch:
    """Set, items, modifiers."""
    scanner.space()
    numbers = parse_set(scanner)
    scanner.space()
    return Fetch(numbers, *_asked(scanner))


@remembering
def _asked(scanner: Scanner) -> tuple[tuple[FetchItem, ...], Modifiers]:
    items = parse_items(scanner)
    modifiers = _modifiers(scanner)
    scanner.end()
    return items, modifiers


def parse_sequence_fetch(scanner: Scanner) -> Fetch:
    """By sequence numbers: without VANISHED (RFC 7162 section 3.2.6). PARTIAL, which RFC 9394
    describes for UID FETCH, is taken here too, as Cyrus does."""
    command = parse_fetch(scanner)
    if command.modifiers.vanished:
        raise GrammarError("expected VANISHED only in UID FETCH")
    return command


def _modifiers(scanner: Scanner) -> Modifiers:
    if not scanner.take(b" ("):
        return Modifiers()
    given: dict[bytes, Any] = {}
    while True:
        word = scanner.word("a FETCH modifier")
        if word in given:
            raise GrammarError("expected each FETCH modifier once")
        given[word] = _modifier(scanner, word)
        if not scanner.take(b" "):
            scanner.expect(b")")
            break
    if b"VANISHED" in given and b"CHANGEDSINCE" not in given:
        raise GrammarError("expected VANISHED only with CHANGEDSINCE")
    return Modifiers(given.get(b"CHANGEDSINCE"), b"VANISHED" in given, given.get(b"PARTIAL"))


def _modifier(scanner: Scanner, word: bytes) -> object:
    if word == b"VANISHED":
        return True
    if word == b"CHANGEDSINCE":
        scanner.space()
        return scanner.number("a mod-sequence", NUMBER64_MAX)
    if word == b"PARTIAL":
        scanner.space()
        return parse_partial(scanner)
    raise GrammarError("expected CHANGEDSINCE, VANISHED or PARTIAL")


def parse_items(scanner: Scanner) -> tuple[FetchItem, ...]:
    """Take a macro, one item or a list of items."""
    if not scanner.take(b"("):
        return _single(scanner)
    items: dict[FetchItem, None] = {}
    while True:
        item = _item(scanner, scanner.word("a FETCH item"))
        if item is Attribute.PREVIEW and scanner.peek(b" ("):
            raise GrammarError("expected LAZY")
        items[item] = None
        if len(items) > ITEMS_MAX:
            raise LimitError(f"At most {ITEMS_MAX} FETCH items")
        if not scanner.take(b" "):
            scanner.expect(b")")
            return tuple(items)


def _single(scanner: Scanner) -> tuple[FetchItem, ...]:
    word = scanner.word("a FETCH item")
    return MACROS[word] if word in MACROS else (_item(scanner, word),)


def _item(scanner: Scanner, word: bytes) -> FetchItem:
    if word in {b"BODY", b"BODY.PEEK"} and scanner.take(b"["):
        return _body(scanner, peek=word == b"BODY.PEEK")
    if word in _BINARY and scanner.take(b"["):
        return _binary(scanner, word)
    if word not in _WORDS:
        raise GrammarError(_EXPECTED)
    if word == b"PREVIEW":
        _pass_over_laziness(scanner)
    return _WORDS[word]


def _pass_over_laziness(scanner: Scanner) -> None:
    """Step over (LAZY): previews are always at hand (RFC 8970 section 4.1). Another parenthesis
    behind a single PREVIEW begins the modifiers."""
    if scanner.take_word(b" (LAZY"):
        while scanner.take_word(b" LAZY"):
            pass
        scanner.expect(b")")


def _body(scanner: Scanner, *, peek: bool) -> BodyItem:
    section = parse_section(scanner)
    scanner.expect(b"]")
    label = b"BODY[%b]" % _spell(section)
    partial = _partial(scanner)
    return BodyItem(section, _with_start(label, partial), peek, partial)


def _binary(scanner: Scanner, word: bytes) -> BinaryItem:
    """RFC 3516 has part numbers alone here. Dovecot takes all that BODY[...] has, and a partial
    without an end, and clients and tests rely on it."""
    section = parse_section(scanner)
    scanner.expect(b"]")
    spec = _spell(section)
    if word == b"BINARY.SIZE":
        return BinaryItem(section, b"BINARY.SIZE[%b]" % spec, peek=True, size_only=True)
    partial = _partial(scanner, may_be_open=True)
    label = _with_start(b"BINARY[%b]" % spec, partial)
    return BinaryItem(section, label, word == b"BINARY.PEEK", partial)


def _partial(scanner: Scanner, *, may_be_open: bool = False) -> tuple[int, int] | None:
    """Take <start.count>, if it comes next (`partial` of RFC 9051: both have 63 bits)."""
    if not scanner.take(b"<"):
        return None
    start = scanner.number("the start of a partial", NUMBER64_MAX)
    if may_be_open and scanner.take(b">"):
        return start, NUMBER64_MAX
    scanner.expect(b".")
    count = scanner.number("the size of a partial", NUMBER64_MAX)
    scanner.expect(b">")
    if not count:
        raise GrammarError("expected the size of a partial, never 0")
    return start, count


def _with_start(label: bytes, partial: tuple[int, int] | None) -> bytes:
    """The answer names the start only (section 7.4.2)."""
    return label if partial is None else b"%b<%d>" % (label, partial[0])


def parse_section(scanner: Scanner) -> Section:
    """Take what stands between the brackets of BODY[...], up to the closing one."""
    if scanner.peek(b"]"):
        return Section()
    path: list[int] = []
    spec = scanner.word("a section")
    words = spec.split(b".")
    while words and words[0].isdigit():
        path.append(_number(words.pop(0)))
        if len(path) > PATH_MAX:
            raise LimitError(f"At most {PATH_MAX} levels in a section")
    if not words:
        return Section(tuple(path))
    part = _PARTS.get(b".".join(words))
    if part is None or (part is Part.MIME and not path):
        raise GrammarError(
            "expected HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT, or MIME of a part"
        )
    fields = _fields(scanner) if part in {Part.FIELDS, Part.FIELDS_NOT} else ()
    return Section(tuple(path), part, fields)


def _number(digits: bytes) -> int:
    if len(digits) > 10 or not 0 < int(digits) <= NUMBER_MAX:
        raise GrammarError("expected a part number, counted from 1")
    return int(digits)


def _fields(scanner: Scanner) -> tuple[bytes, ...]:
    scanner.space()
    scanner.expect(b"(")
    names: dict[bytes, None] = {}
    for _ in range(FIELDS_MAX):
        names[scanner.astring("a field name").upper()] = None
        if not scanner.take(b" "):
            scanner.expect(b")")
            return tuple(names)
    raise LimitError(f"At most {FIELDS_MAX} field names")


def _spell(section: Section) -> bytes:
    words = [b"%d" % number for number in section.path]
    if section.part.value:
        words.append(section.part.value)
    spec = b".".join(words)
    if section.part in {Part.FIELDS, Part.FIELDS_NOT}:
        spec += b" (%b)" % b" ".join(_field_name(name) for name in section.fields)
    return spec


def _field_name(name: bytes) -> bytes:
    """Repeat a field name safely: what is no atom goes quoted, what cannot be quoted is cut out."""
    if name and all(33 <= octet <= 126 and octet not in b'(){%*"\\]' for octet in name):
        return name
    kept = bytes(octet for octet in name if 32 <= octet <= 126)
    return b'"%b"' % kept.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
