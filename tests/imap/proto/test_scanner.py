"""The cursor over one command."""

import pytest

from apps.imap.proto.scanner import GrammarError, Scanner
from apps.wire.lines import Literal, RawCommand


def scanner(*tokens: bytes | Literal) -> Scanner:
    return Scanner(RawCommand(tokens))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b'"quoted"', b"quoted"),
        (b'"with \\"escapes\\\\"', b'with "escapes\\'),
        (b'""', b""),
        (b'"\xc3\xa4"', b"\xc3\xa4"),
        (b"atom]", b"atom]"),
        (b"a+b.c", b"a+b.c"),
    ],
)
def test_it_reads_astrings(raw: bytes, text: bytes) -> None:
    one = scanner(raw)
    assert one.astring() == text
    assert one.at_end


@pytest.mark.parametrize(
    "raw", [b"", b"(", b'"open', b'"bad\\escape"', b"\\Flag", b"\xff", b"{5}", b"%", b'"a\0b"']
)
def test_it_refuses_what_is_no_astring(raw: bytes) -> None:
    with pytest.raises(GrammarError):
        scanner(raw).astring()


def test_it_reads_literals_and_goes_on_behind_them() -> None:
    one = scanner(b"", Literal(b"a b"), b" next")
    assert one.next_is_string()
    assert one.astring() == b"a b"
    one.space()
    assert one.atom() == b"next"
    one.end()


def test_it_refuses_nul_in_a_literal() -> None:
    with pytest.raises(GrammarError, match="NUL"):
        scanner(b"", Literal(b"a\0b"), b"").astring()


@pytest.mark.parametrize("digits", [b"4294967296", b"9" * 30, b"9" * 60_000])
def test_it_refuses_numbers_that_are_too_large(digits: bytes) -> None:
    with pytest.raises(GrammarError):
        scanner(digits).number()


def test_it_insists_on_the_end() -> None:
    scanner(b"  ").end()
    with pytest.raises(GrammarError):
        scanner(b" x").end()
    with pytest.raises(GrammarError):
        scanner(b"", Literal(b""), b"").end()


def test_it_never_repeats_input_in_an_error() -> None:
    with pytest.raises(GrammarError) as caught:
        scanner(b"\x1b[31m").astring("a mailbox name")
    assert str(caught.value) == "expected a mailbox name"
