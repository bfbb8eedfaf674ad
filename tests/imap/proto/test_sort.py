"""SORT and THREAD as they are asked."""

import pytest

from apps.imap.proto.scanner import GrammarError, Scanner
from apps.imap.proto.search import All, CharsetError
from apps.imap.proto.sort import Algorithm, Criterion, Key, parse_sort, parse_thread
from apps.wire.lines import RawCommand


def scanner(raw: bytes) -> Scanner:
    return Scanner(RawCommand((raw,)))


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (b"(DATE)", [(Key.DATE, False)]),
        (b"(subject reverse date)", [(Key.SUBJECT, False), (Key.DATE, True)]),
        (b"(REVERSE SIZE REVERSE FROM)", [(Key.SIZE, True), (Key.FROM, True)]),
        (b"(DATE REVERSE DATE CC)", [(Key.DATE, False), (Key.CC, False)]),
        (b"(DISPLAYFROM DISPLAYTO)", [(Key.DISPLAYFROM, False), (Key.DISPLAYTO, False)]),
    ],
)
def test_it_reads_criteria(criteria: bytes, expected: list[tuple[Key, bool]]) -> None:
    cmd = parse_sort(scanner(b" " + criteria + b" UTF-8 ALL"))
    assert cmd.criteria == tuple(Criterion(*one) for one in expected)
    assert cmd.program.leaves == (All(),)
    assert cmd.returns is None


@pytest.mark.parametrize(
    "raw",
    [
        b"(DATE) UTF-8",
        b"(DATE) UTF-8 ",
        b"(DATE) CHARSET UTF-8 ALL",
        b"DATE UTF-8 ALL",
        b"() UTF-8 ALL",
        b"(REVERSE) UTF-8 ALL",
        b"(REVERSE REVERSE DATE) UTF-8 ALL",
        b"(COLOUR) UTF-8 ALL",
        b"(DATE)UTF-8 ALL",
        b"(DATE  FROM) UTF-8 ALL",
        b"(RELEVANCY) UTF-8 ALL",
        b"RETURN (RELEVANCY) (DATE) UTF-8 ALL",
        b"RETURN (ALL)(DATE) UTF-8 ALL",
    ],
)
def test_it_refuses_to_sort(raw: bytes) -> None:
    with pytest.raises((GrammarError, CharsetError)):
        parse_sort(scanner(b" " + raw))


@pytest.mark.parametrize("name", [one.name for one in Algorithm])
def test_it_reads_an_algorithm(name: str) -> None:
    cmd = parse_thread(scanner(f" {name.lower()} us-ascii ALL".encode()))
    assert cmd.algorithm is Algorithm[name]


@pytest.mark.parametrize(
    "raw", [b"", b" JWZ UTF-8 ALL", b" REFS", b" REFS UTF-8", b" (REFS) X ALL"]
)
def test_it_refuses_to_thread(raw: bytes) -> None:
    with pytest.raises(GrammarError):
        parse_thread(scanner(raw))
