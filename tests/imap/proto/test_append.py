"""APPEND and REPLACE as they are written (RFC 3502, RFC 4469, RFC 6855, RFC 8508)."""

import pytest

from apps.imap.proto.append import Append, NewMessage, Replace, Url, parse_append, parse_replace
from apps.imap.proto.flags import Flags
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.imap.proto.sets import STAR, SequenceSet
from apps.wire.lines import Literal, RawCommand, Token

A, B = Literal(b"one"), Literal(b"two", non_sync=True)
OCTETS = Literal(b"\0", binary=True)


def read(*tokens: Token) -> Append:
    return parse_append(Scanner(RawCommand(tokens)))


def plain(raw: bytes, **more: object) -> NewMessage:
    return NewMessage(Flags(), None, (raw,), **more)  # type: ignore[arg-type]


def test_it_reads_one_message_and_many() -> None:
    assert read(b" INBOX ", A, b"") == Append(b"INBOX", (plain(b"one"),))
    both = read(b' "a b" (\\Seen $x) ', A, b' "01-Jan-1970 00:00:10 +0100" ', B, b" ")
    assert both.name == b"a b"
    assert both.messages == (
        NewMessage(Flags(1, ("$x",)), None, (b"one",)),
        NewMessage(Flags(), (-3590, 60), (b"two",)),
    )


def test_it_reads_octets_and_utf8() -> None:
    assert read(b" x ", OCTETS, b"").messages == (plain(b"\0", is_binary=True),)
    assert read(b" x utf8 (", OCTETS, b")").messages == (plain(b"\0", is_utf8=True),)


def test_it_reads_pieces_in_any_case_and_order() -> None:
    found = read(b' x CATENATE (url "/a/;UID=1" Text ', A, b" URL /b/;UID=2 UTF8 (", OCTETS, b"))")
    (message,) = found.messages
    assert message.pieces == (Url(b"/a/;UID=1"), b"one", Url(b"/b/;UID=2"), b"\0")
    (message,) = read(b" x CATENATE (URL ", A, b")").messages
    assert message.pieces == (Url(b"one"),)


@pytest.mark.parametrize(
    "tokens",
    [
        (b" INBOX",),
        (b" INBOX ",),
        (b" INBOX", A, b""),
        (b"INBOX ", A, b""),
        (b" INBOX ", A, b"x"),
        (b" INBOX ", A, b"(\\Seen) ", B, b""),
        (b" INBOX ", A, b" (\\Seen)"),
        (b' INBOX "01-Jan-1970 00:00:10 +0100" (\\Seen) ', A, b""),
        (b" INBOX ", Literal(b"\0"), b""),
        (b" INBOX UTF8 (", A, b")"),
        (b" INBOX UTF8 ", OCTETS, b""),
        (b" INBOX CATENATE (TEXT ", OCTETS, b")"),
        (b" INBOX CATENATE (TEXT ", A, b""),
        (b" INBOX CATENATE (TEXT ", A, b"URL /a)"),
        (b" INBOX CATENATE (URL /a) x",),
        (b" ", OCTETS, b" ", A, b""),
    ],
)
def test_it_takes_nothing_else(tokens: tuple[Token, ...]) -> None:
    with pytest.raises(GrammarError):
        read(*tokens)


def test_it_knows_its_limits() -> None:
    many: list[Token] = [b" x "]
    for _ in range(4_001):
        many += [A, b" "]
    with pytest.raises(LimitError):
        read(*many)
    with pytest.raises(LimitError):
        read(b" x CATENATE (" + b" ".join([b"URL a"] * 1_001) + b")")


def replaced(*tokens: Token) -> Replace:
    return parse_replace(Scanner(RawCommand(tokens)))


def test_it_reads_what_is_replaced() -> None:
    found = replaced(b" 4 Drafts (\\Seen) ", A, b"")
    assert found.numbers == SequenceSet(((4, 4),))
    assert (found.name, found.message.flags) == (b"Drafts", Flags(1))
    assert replaced(b" * Drafts ", A, b"").numbers == SequenceSet(((STAR, STAR),))


@pytest.mark.parametrize("number", [b"0", b"1:2", b"1,2", b"$", b"*:1", b"**", b"-1", b"x", b""])
def test_it_replaces_one_message_only(number: bytes) -> None:
    with pytest.raises(GrammarError):
        replaced(b" " + number + b" Drafts ", A, b"")
    with pytest.raises(GrammarError):
        replaced(b" 1 Drafts ", A, b" ", B, b"")
