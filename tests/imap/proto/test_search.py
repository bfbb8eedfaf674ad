"""Search programs: parsed without recursion, run against a plain evaluation."""

import datetime

import pytest

from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.imap.proto.search import (
    KEYS_MAX,
    TEXT_KEYS_MAX,
    Age,
    All,
    ChangedSince,
    CharsetError,
    HasFlag,
    HasKeyword,
    HeaderHas,
    InSet,
    InternalDay,
    InThread,
    IsEmail,
    Op,
    Recent,
    Relation,
    SavedDay,
    SearchProgram,
    SentDay,
    Size,
    TextHas,
    parse_program,
)
from apps.imap.proto.sets import SequenceSet
from apps.wire.lines import Literal, RawCommand
from tests.support.cost import cost

DAY = datetime.date(2024, 2, 1)
SEEN = HasFlag(1)


def parse(*tokens: bytes | Literal) -> SearchProgram:
    return parse_program(Scanner(RawCommand(tokens)))


@pytest.mark.parametrize(
    ("raw", "leaves", "steps"),
    [
        (b"ALL", (All(),), (0,)),
        (b"SEEN", (SEEN,), (0,)),
        (b"UNSEEN", (SEEN,), (0, Op.NOT)),
        (b"NEW", (Recent(), SEEN), (0, 1, Op.NOT, Op.AND)),
        (b"OLD", (Recent(),), (0, Op.NOT)),
        (b"seen not SEEN", (SEEN,), (0, 0, Op.NOT, Op.AND)),
        (b"OR SEEN ALL", (SEEN, All()), (0, 1, Op.OR)),
        (b"NOT (SEEN ALL)", (SEEN, All()), (0, 1, Op.AND, Op.NOT)),
        (b"OR NOT SEEN (ALL SEEN) ALL", (SEEN, All()), (0, Op.NOT, 1, 0, Op.AND, Op.OR, 1, Op.AND)),
        (b"((ALL))", (All(),), (0,)),
        (b"KEYWORD $Foo", (HasKeyword("$FOO"),), (0,)),
        (b"1:3", (InSet(SequenceSet(((1, 3),)), uid=False),), (0,)),
        (b"*", (InSet(SequenceSet(((0, 0),)), uid=False),), (0,)),
        (b"UID 7", (InSet(SequenceSet(((7, 7),)), uid=True),), (0,)),
        (b"SINCE 1-Feb-2024", (InternalDay(Relation.SINCE, DAY),), (0,)),
        (b'SENTON "1-Feb-2024"', (SentDay(Relation.ON, DAY),), (0,)),
        (b"LARGER 10", (Size(Relation.SINCE, 10),), (0,)),
        (b"FROM x", (HeaderHas(b"FROM", "x"),), (0,)),
        (b'HEADER X-Y ""', (HeaderHas(b"X-Y", ""),), (0,)),
        (b"BODY x TEXT y", (TextHas("x", False), TextHas("y", True)), (0, 1, Op.AND)),
        (b"CHARSET utf-8 FROM x", (HeaderHas(b"FROM", "x"),), (0,)),
        (b"charset UTF-8 ALL ", (All(),), (0,)),
        (b"OLDER 60", (Age(60, younger=False),), (0,)),
        (b"YOUNGER 60", (Age(60, younger=True),), (0,)),
        (b"SAVEDON 1-Feb-2024", (SavedDay(Relation.ON, DAY),), (0,)),
        (b"SAVEDATESUPPORTED", (All(),), (0,)),
        (b"MODSEQ 7", (ChangedSince(7),), (0,)),
        (b'MODSEQ "/flags/\\\\Seen" priv 7', (ChangedSince(7),), (0,)),
        (b"EMAILID M1-2", (IsEmail(b"M1-2"),), (0,)),
        (b"THREADID T3", (InThread(b"T3"),), (0,)),
        (b"$", (InSet(SequenceSet((), is_saved=True), uid=False),), (0,)),
        (b"FUZZY FROM x", (HeaderHas(b"FROM", "x", fuzzy=True),), (0,)),
        (
            b"FUZZY (NOT FROM x SEEN) FROM x",
            (HeaderHas(b"FROM", "x", fuzzy=True), SEEN, HeaderHas(b"FROM", "x")),
            (0, Op.NOT, 1, Op.AND, 2, Op.AND),
        ),
        (
            b"OR FUZZY BODY x BODY x",
            (TextHas("x", False, fuzzy=True), TextHas("x", False)),
            (0, 1, Op.OR),
        ),
    ],
)
def test_it_compiles(raw: bytes, leaves: tuple[object, ...], steps: tuple[object, ...]) -> None:
    program = parse(raw)
    assert program.leaves == leaves
    assert program.steps == steps


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"FOO",
        b"NOT",
        b"OR SEEN",
        b"(SEEN",
        b"SEEN)",
        b"()",
        b"(NOT)",
        b"(SEEN)(ALL)",
        b"SEEN ALL extra",
        b"SINCE yesterday",
        b"KEYWORD",
        b"0",
        b"UID x",
        b"LARGER 99999999999999999999",
        b"SEEN\tALL",
        b"FUZZY",
        b"FUZZY ()",
        b"OLDER 0",
        b"OLDER x",
        b"YOUNGER 4294967296",
        b"MODSEQ x",
        b'MODSEQ "/other/x" all 7',
        b'MODSEQ "/flags/x" 7',
        b"EMAILID a.b",
        b"THREADID",
        b"UID",
    ],
)
def test_it_refuses(raw: bytes) -> None:
    with pytest.raises(GrammarError):
        parse(raw)


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        (b"ISO-8859-1", b"caf\xe9", "café"),
        (b"iso-8859-2", b"\xbe", "ž"),
        (b'"windows-1251"', b"\xe4\xe0", "да"),
        (b"koi8-r", b"\xc4\xc1", "да"),
        (b"Shift_JIS", b"\x93\xfa", "日"),
        (b"US-ASCII", b"caf\xc3\xa9", "café"),
    ],
)
def test_it_reads_strings_in_their_charset(charset: bytes, raw: bytes, text: str) -> None:
    program = parse(b"CHARSET " + charset + b" SUBJECT ", Literal(raw), b"")
    assert program.leaves == (HeaderHas(b"SUBJECT", text),)


@pytest.mark.parametrize(
    "raw",
    [
        b"CHARSET KLINGON ALL",
        b"CHARSET rot13 ALL",
        b'CHARSET UTF-8 FROM "\xff"',
        b'CHARSET US-ASCII FROM "\xff"',
        b'CHARSET Shift_JIS FROM "\x93"',
    ],
)
def test_it_refuses_a_charset_it_does_not_read(raw: bytes) -> None:
    with pytest.raises(CharsetError):
        parse(raw)


def test_it_reads_literals() -> None:
    program = parse(b"SUBJECT ", Literal("ü".encode()), b" SEEN")
    assert program.leaves == (HeaderHas(b"SUBJECT", "ü"), SEEN)


@pytest.mark.parametrize(
    "raw",
    [
        b"(" * 4000 + b"ALL" + b")" * 4000,
        b"NOT " * 2000 + b"ALL",
        b"FUZZY " * 5000 + b"ALL",
        b"FUZZY (" * 3000 + b"ALL" + b")" * 3000,
        b"OR SEEN " * 1500 + b"ALL",
        b"(" * 30_000,
        b"OR NOT (" * 5_000,
        b"SEEN " * 12_000 + b"ALL",
    ],
)
def test_it_does_not_recurse(raw: bytes) -> None:
    def read() -> None:
        try:
            program = parse(raw)
        except GrammarError:
            pass
        else:
            assert len(program.leaves) <= 2

    assert cost(read) < 1


def test_it_bounds_the_strings() -> None:
    many = b" ".join(b"BODY x%d" % number for number in range(TEXT_KEYS_MAX + 1))
    with pytest.raises(LimitError, match="At most 100 strings"):
        parse(many)
    with pytest.raises(LimitError, match="At most 1000 characters"):
        parse(b"FROM " + b"x" * 2000)
    assert len(parse(b"BODY same " * 2000 + b"ALL").leaves) == 2


@pytest.mark.parametrize("key", [b"SMALLER %d", b"UID %d", b"%d", b"NOT KEYWORD k%d", b"MODSEQ %d"])
def test_it_bounds_the_keys(key: bytes) -> None:
    """Each costs an octet for every message of the mailbox."""
    keys = [key % number for number in range(1, KEYS_MAX + 2)]
    assert len(parse(b" ".join([*keys[:-1], *keys[:-1]])).leaves) == KEYS_MAX
    with pytest.raises(LimitError, match="At most 500 different search keys"):
        parse(b" ".join(keys))
