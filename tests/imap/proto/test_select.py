"""SELECT's parameters and STORE's modifier (RFC 7162 section 7)."""

import pytest

from apps.imap.proto.scanner import GrammarError, Scanner
from apps.imap.proto.select import Known, Select, parse_select
from apps.imap.proto.sets import SequenceSet
from apps.imap.proto.store import parse_store
from apps.wire.lines import RawCommand


def scanner(text: bytes) -> Scanner:
    return Scanner(RawCommand((text,)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b" INBOX", Select(b"INBOX")),
        (b" INBOX (condstore)", Select(b"INBOX", condstore=True)),
        (b" INBOX (QRESYNC (7 9))", Select(b"INBOX", known=Known(7, 9))),
        (
            b" INBOX (QRESYNC (4294967295 9223372036854775807 1:3,5) CONDSTORE)",
            Select(
                b"INBOX",
                condstore=True,
                known=Known(4294967295, 9223372036854775807, SequenceSet(((1, 3), (5, 5)))),
            ),
        ),
        (
            b" INBOX (QRESYNC (7 9 1:9 (1:2,4 1,3,9)))",
            Select(
                b"INBOX",
                known=Known(
                    7,
                    9,
                    SequenceSet(((1, 9),)),
                    (((1, 1), (1, 1)), ((2, 2), (3, 3)), ((4, 4), (9, 9))),
                ),
            ),
        ),
        (
            b" INBOX (QRESYNC (7 9 (1:4000000000 11:4000000010)))",
            Select(b"INBOX", known=Known(7, 9, None, (((1, 4000000000), (11, 4000000010)),))),
        ),
    ],
)
def test_it_reads_parameters(text: bytes, expected: Select) -> None:
    assert parse_select(scanner(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        b" INBOX ()",
        b" INBOX CONDSTORE",
        b" INBOX (CONDSTORE",
        b" INBOX (CONDSTORE CONDSTORE)",
        b" INBOX (ANNOTATE)",
        b" INBOX (QRESYNC)",
        b" INBOX (QRESYNC 7 9)",
        b" INBOX (QRESYNC (7))",
        b" INBOX (QRESYNC (0 9))",
        b" INBOX (QRESYNC (7 0))",
        b" INBOX (QRESYNC (4294967296 9))",
        b" INBOX (QRESYNC (7 9223372036854775808))",
        b" INBOX (QRESYNC (7 9 ))",
        b" INBOX (QRESYNC (7 9 1:*))",
        b" INBOX (QRESYNC (7 9 $))",
        b" INBOX (QRESYNC (7 9 0))",
        b" INBOX (QRESYNC (7 9 1:9 1:9))",
        b" INBOX (QRESYNC (7 9 1:9 ()))",
        b" INBOX (QRESYNC (7 9 1:9 (1)))",
        b" INBOX (QRESYNC (7 9 1:9 (1 1) (2 2)))",
        b" INBOX (QRESYNC (7 9 1:9 (1:2 1)))",
        b" INBOX (QRESYNC (7 9 1:9 (1 1:2)))",
        b" INBOX (QRESYNC (7 9 1:9 (2,1 1,2)))",
        b" INBOX (QRESYNC (7 9 1:9 (1,1 1,2)))",
        b" INBOX (QRESYNC (7 9 1:9 (2:1 1:2)))",
        b" INBOX (QRESYNC (7 9 1:9 (* 1)))",
        b" INBOX (QRESYNC (7 9)(7 9))",
    ],
)
def test_it_refuses_other_parameters(text: bytes) -> None:
    with pytest.raises(GrammarError):
        parse_select(scanner(text))


def test_it_reads_the_modifier_of_store() -> None:
    command = parse_store(scanner(b" 1 (unchangedsince 0) +FLAGS.SILENT (\\Seen)"))
    assert command.unchanged_since == 0
    assert parse_store(scanner(b" 1 FLAGS ()")).unchanged_since is None
    largest = parse_store(scanner(b" 1 (UNCHANGEDSINCE 9223372036854775807) FLAGS ()"))
    assert largest.unchanged_since == 2**63 - 1


@pytest.mark.parametrize(
    "text",
    [
        b" 1 () FLAGS ()",
        b" 1 (UNCHANGEDSINCE) FLAGS ()",
        b" 1 (UNCHANGEDSINCE 1)FLAGS ()",
        b" 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 2) FLAGS ()",
        b" 1 (UNCHANGEDSINCE 9223372036854775808) FLAGS ()",
        b" 1 (CHANGEDSINCE 1) FLAGS ()",
        b" 1 UNCHANGEDSINCE 1 FLAGS ()",
    ],
)
def test_it_refuses_other_modifiers(text: bytes) -> None:
    with pytest.raises(GrammarError):
        parse_store(scanner(text))
