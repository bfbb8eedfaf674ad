"""What FETCH asks for."""

import pytest

from apps.imap.proto.fetch import (
    FIELDS_MAX,
    ITEMS_MAX,
    Attribute,
    BodyItem,
    FetchItem,
    Modifiers,
    Part,
    Section,
    parse_fetch,
    parse_items,
    parse_sequence_fetch,
)
from apps.imap.proto.partial import PartialRange
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.wire.lines import RawCommand


def parse(raw: bytes) -> tuple[FetchItem, ...]:
    one = Scanner(RawCommand((raw,)))
    found = parse_items(one)
    one.end()
    return found


@pytest.mark.parametrize(
    ("raw", "items"),
    [
        (b"FLAGS", (Attribute.FLAGS,)),
        (b"(uid flags UID)", (Attribute.UID, Attribute.FLAGS)),
        (b"fast", (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE)),
        (b"BODY", (Attribute.BODY,)),
        (b"BODY[]", (BodyItem(Section(), b"BODY[]"),)),
        (b"BODY.PEEK[]<0.10>", (BodyItem(Section(), b"BODY[]<0>", True, (0, 10)),)),
        (
            b"BODY[1.2.MIME]",
            (BodyItem(Section((1, 2), Part.MIME), b"BODY[1.2.MIME]"),),
        ),
        (
            b'BODY[3.HEADER.FIELDS (To "X Y" to)]',
            (
                BodyItem(
                    Section((3,), Part.FIELDS, (b"TO", b"X Y")),
                    b'BODY[3.HEADER.FIELDS (TO "X Y")]',
                ),
            ),
        ),
        (b"RFC822.HEADER", (BodyItem(Section((), Part.HEADER), b"RFC822.HEADER", True),)),
        (b"RFC822", (BodyItem(Section(), b"RFC822"),)),
    ],
)
def test_it_reads(raw: bytes, items: tuple[FetchItem, ...]) -> None:
    assert parse(raw) == items


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"()",
        b"(FLAGS",
        b"(FLAGS  UID)",
        b"(ALL)",
        b"FOO",
        b"BODY[MIME]",
        b"BODY[0]",
        b"BODY[1..2]",
        b"BODY[1.]",
        b"BODY[HEADER.FIELDS]",
        b"BODY[HEADER.FIELDS ()]",
        b"BODY[]<1>",
        b"BODY[]<1.0>",
        b"BODY[]<-1.5>",
        b"BODY[]<1.9223372036854775808>",
        b"BODY[]<1.99999999999999999999999>",
        b"BODY[99999999999]",
        b"BODY[1",
    ],
)
def test_it_refuses(raw: bytes) -> None:
    with pytest.raises(GrammarError):
        parse(raw)


def test_it_bounds_items_levels_and_fields() -> None:
    many = b" ".join(b"BODY.PEEK[%d]" % number for number in range(1, ITEMS_MAX + 2))
    with pytest.raises(LimitError, match="At most 100 FETCH"):
        parse(b"(%b)" % many)
    with pytest.raises(LimitError, match="At most 100 levels"):
        parse(b"BODY[" + b"1." * 200 + b"1]")
    assert len(parse(b"(" + b"BODY.PEEK[1] " * 1000 + b"UID)")) == 2
    with pytest.raises(LimitError, match="At most 200 field"):
        parse(b"BODY[HEADER.FIELDS (%b)]" % b" ".join([b"X"] * (FIELDS_MAX + 1)))


def test_it_repeats_no_control_of_a_field_name() -> None:
    (item,) = parse(b'BODY[HEADER.FIELDS ("a\tb" "")]')
    assert isinstance(item, BodyItem)
    assert item.label == b'BODY[HEADER.FIELDS ("AB" "")]'


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"1 FLAGS", Modifiers()),
        (b"1 FLAGS (CHANGEDSINCE 12345)", Modifiers(12345)),
        (b"1 (UID FLAGS) (changedsince 9223372036854775807)", Modifiers(2**63 - 1)),
        (b"1 FAST (VANISHED CHANGEDSINCE 1)", Modifiers(1, vanished=True)),
        (
            b"1 UID (PARTIAL -1:-30 CHANGEDSINCE 98305)",
            Modifiers(98305, partial=PartialRange(1, 30, from_end=True)),
        ),
        (b"1 PREVIEW (PARTIAL 1:2)", Modifiers(partial=PartialRange(1, 2))),
        (b"1 PREVIEW (LAZY) (CHANGEDSINCE 1)", Modifiers(1)),
    ],
)
def test_it_reads_modifiers(raw: bytes, expected: Modifiers) -> None:
    assert parse_fetch(Scanner(RawCommand((b" " + raw,)))).modifiers == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"1 FLAGS ()",
        b"1 FLAGS (VANISHED)",
        b"1 FLAGS (CHANGEDSINCE)",
        b"1 FLAGS (CHANGEDSINCE x)",
        b"1 FLAGS (CHANGEDSINCE 9223372036854775808)",
        b"1 FLAGS (CHANGEDSINCE 1 VANISHED VANISHED)",
        b"1 FLAGS (PARTIAL)",
        b"1 FLAGS (CHANGEDSINCE 1",
        b"1 FLAGS (CHANGEDSINCE 1) x",
        b"1 FLAGS (FLAGS)",
        b"1 (PREVIEW (LAZY) (LAZY))",
    ],
)
def test_it_refuses_modifiers(raw: bytes) -> None:
    with pytest.raises(GrammarError):
        parse_fetch(Scanner(RawCommand((b" " + raw,))))


def test_it_knows_vanished_by_uids_alone() -> None:
    with pytest.raises(GrammarError):
        parse_sequence_fetch(Scanner(RawCommand((b" 1 FLAGS (CHANGEDSINCE 1 VANISHED)",))))
