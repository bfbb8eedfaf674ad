"""What FETCH asks for."""

import pytest

from apps.imap.proto.fetch import (
    FIELDS_MAX,
    ITEMS_MAX,
    Attribute,
    BodyItem,
    FetchItem,
    Part,
    Section,
    parse_items,
)
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
