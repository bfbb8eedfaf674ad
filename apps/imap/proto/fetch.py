"""What FETCH asks for (RFC 3501 section 6.4.5), as typed items.

`parse_items` promises: macros opened, each item once, in the order asked; at most `ITEMS_MAX`
different items, so that one short line cannot ask for a large message a thousand times.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from apps.imap.proto.scanner import NUMBER_MAX, GrammarError, LimitError, Scanner
from apps.imap.proto.sets import SequenceSet, parse_set

ITEMS_MAX = 100
PATH_MAX = 100
"""Levels in one section path: deeper than any tree that is kept."""
FIELDS_MAX = 200
"""Field names in one HEADER.FIELDS."""


class Attribute(Enum):
    """Items that are one column each."""

    UID = b"UID"
    FLAGS = b"FLAGS"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"


class Part(Enum):
    """What of a part or message a section names."""

    ALL = b""
    HEADER = b"HEADER"
    FIELDS = b"HEADER.FIELDS"
    FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"


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


FetchItem = Attribute | BodyItem

_A = Attribute
MACROS: dict[bytes, tuple[FetchItem, ...]] = {
    b"FAST": (_A.FLAGS, _A.INTERNALDATE, _A.SIZE),
    b"ALL": (_A.FLAGS, _A.INTERNALDATE, _A.SIZE, _A.ENVELOPE),
    b"FULL": (_A.FLAGS, _A.INTERNALDATE, _A.SIZE, _A.ENVELOPE, _A.BODY),
}
_WORDS: dict[bytes, FetchItem] = {attribute.value: attribute for attribute in Attribute} | {
    b"RFC822": BodyItem(Section(), b"RFC822"),
    b"RFC822.HEADER": BodyItem(Section(part=Part.HEADER), b"RFC822.HEADER", peek=True),
    b"RFC822.TEXT": BodyItem(Section(part=Part.TEXT), b"RFC822.TEXT"),
    # Of RFC 1730, and still sent by some clients: the same without \Seen, under the plain name.
    b"RFC822.PEEK": BodyItem(Section(), b"RFC822", peek=True),
    b"RFC822.TEXT.PEEK": BodyItem(Section(part=Part.TEXT), b"RFC822.TEXT", peek=True),
}
_PARTS = {part.value: part for part in Part if part.value}
_EXPECTED = "expected a FETCH item: BODY[...], BODY.PEEK[...] or one of " + ", ".join(
    sorted(word.decode("ascii") for word in _WORDS)
)


@dataclass(frozen=True, slots=True)
class Fetch:
    """FETCH and UID FETCH."""

    numbers: SequenceSet
    items: tuple[FetchItem, ...]


def parse_fetch(scanner: Scanner) -> Fetch:
    """Set and items."""
    scanner.space()
    numbers = parse_set(scanner)
    scanner.space()
    items = parse_items(scanner)
    scanner.end()
    return Fetch(numbers, items)


def parse_items(scanner: Scanner) -> tuple[FetchItem, ...]:
    """Take a macro, one item or a list of items."""
    if not scanner.take(b"("):
        return _single(scanner)
    items: dict[FetchItem, None] = {}
    while True:
        items[_item(scanner, scanner.word("a FETCH item"))] = None
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
    if word not in _WORDS:
        raise GrammarError(_EXPECTED)
    return _WORDS[word]


def _body(scanner: Scanner, *, peek: bool) -> BodyItem:
    section = parse_section(scanner)
    scanner.expect(b"]")
    label = b"BODY[%b]" % _spell(section)
    if not scanner.take(b"<"):
        return BodyItem(section, label, peek)
    start = scanner.number("the start of a partial")
    scanner.expect(b".")
    count = scanner.number("the size of a partial")
    scanner.expect(b">")
    if not count:
        raise GrammarError("expected the size of a partial, never 0")
    # The answer names the start only (section 7.4.2).
    return BodyItem(section, b"%b<%d>" % (label, start), peek, (start, count))


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
