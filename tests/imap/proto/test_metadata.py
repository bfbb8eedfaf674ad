"""The arguments of GETMETADATA and SETMETADATA."""

import pytest

from apps.imap.proto.metadata import (
    ENTRIES_MAX,
    NAME_MAX,
    GetMetadata,
    SetMetadata,
    parse_getmetadata,
    parse_setmetadata,
)
from apps.imap.proto.responses import metadata_line, metadata_names_line
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.wire.lines import Literal, RawCommand, Token

COMMENT = b"/private/comment"


def get(line: bytes) -> GetMetadata:
    return parse_getmetadata(Scanner(RawCommand((line,))))


def put(*tokens: Token) -> SetMetadata:
    return parse_setmetadata(Scanner(RawCommand(tokens)))


def test_it_reads_entries_in_every_form() -> None:
    """RFC 5464 section 5, and the examples of section 4.4.1."""
    one = {COMMENT: COMMENT}
    both = {COMMENT: COMMENT, b"/shared/comment": b"/Shared/Comment"}
    assert get(b' "" /private/comment') == GetMetadata(b"", one)
    assert get(b" INBOX (/private/comment)") == GetMetadata(b"INBOX", one)
    assert get(b' INBOX (/private/comment "/Shared/Comment")') == GetMetadata(b"INBOX", both)
    assert get(b" INBOX /private/comment /Shared/Comment") == GetMetadata(b"INBOX", both)


@pytest.mark.parametrize(
    "line",
    [
        b" (MAXSIZE 1024 DEPTH 1) INBOX /private/comment",
        b" INBOX (MAXSIZE 1024 DEPTH 1) /private/comment",
        b" INBOX (depth 1 maxsize 1024) (/private/comment)",
        b" (DEPTH 1) INBOX (MAXSIZE 1024) /private/comment",
    ],
)
def test_it_reads_options_before_and_behind_the_mailbox(line: bytes) -> None:
    assert get(line) == GetMetadata(b"INBOX", {COMMENT: COMMENT}, 1024, 1)


def test_it_reads_the_three_depths() -> None:
    assert get(b" x (DEPTH 0) /private/x").depth == 0
    assert get(b" x (DEPTH Infinity) /private").depth is None


@pytest.mark.parametrize(
    "line",
    [
        b" INBOX",
        b" INBOX ()",
        b" INBOX (MAXSIZE 1)",
        b" INBOX (DEPTH 2) /private/x",
        b" INBOX (DEPTH) /private/x",
        b" INBOX (MAXSIZE) /private/x",
        b" INBOX (MAXSIZE -1) /private/x",
        b" INBOX (SIZE 1) /private/x",
        b" INBOX () /private/x",
        b" INBOX /private/x)",
        b" INBOX (/private/x",
        b" INBOX comment",
        b" INBOX /",
        b" INBOX /comment",
        b" INBOX /privat/x",
        b" INBOX /privatex/x",
        b" INBOX /private//x",
        b" INBOX /private/x/",
        b' INBOX "/private/*"',
        b' INBOX "/private/x%"',
        b' INBOX "/private/\xc3\xa9"',
        b' INBOX "/private/\x19"',
    ],
)
def test_it_refuses_what_is_not_in_the_grammar(line: bytes) -> None:
    with pytest.raises(GrammarError):
        get(line)


def test_it_bounds_names_and_their_number() -> None:
    longest = b"/private/" + b"x" * (NAME_MAX - 9)
    assert longest in get(b" x " + longest).entries
    with pytest.raises(GrammarError):
        get(b" x " + longest + b"x")
    many = b" ".join(b"/private/%d" % number for number in range(ENTRIES_MAX))
    assert len(get(b" x (%b)" % many).entries) == ENTRIES_MAX
    with pytest.raises(LimitError):
        get(b" x (%b /private/more)" % many)


def test_it_reads_values() -> None:
    assert put(b' x (/Private/Comment "a" /shared/comment NIL)') == SetMetadata(
        b"x", {COMMENT: b"a", b"/shared/comment": None}
    )
    nul = put(b" x (/private/comment ", Literal(b"\0\xff", binary=True), b")")
    assert nul.values == {COMMENT: b"\0\xff"}
    text = put(b" x (/private/comment ", Literal(b"a\r\nb"), b' /private/b "")')
    assert text.values == {COMMENT: b"a\r\nb", b"/private/b": b""}
    with pytest.raises(GrammarError):
        put(b" x (/private/comment ", Literal(b"\0"), b")")


@pytest.mark.parametrize(
    "line",
    [
        b' x /private/comment "a"',
        b" x ()",
        b" x (/private/comment)",
        b" x (/private/comment word)",
        b' x (/private "a")',
        b' x (/private/vendor "a")',
        b' x (/shared/vendor/x "a")',
        b' x (/private/comment "a"',
        b' x (/private/comment "a") y',
        b' x (/private/comment "a"  /private/x "b")',
    ],
)
def test_it_refuses_what_cannot_be_set(line: bytes) -> None:
    """Section 3.2: two components at least, four below a vendor's."""
    with pytest.raises(GrammarError):
        put(line)


def test_it_writes_what_a_client_can_read() -> None:
    values = [(COMMENT, b"a"), (b"/private/a b", None), (b"/private/n", b"\0"), (b"/shared/x", b"")]
    assert metadata_line("Büro", values, utf8=True) == (
        b'* METADATA "B\xc3\xbcro" (/private/comment "a" "/private/a b" NIL'
        b' /private/n ~{1}\r\n\0 /shared/x "")\r\n'
    )
    assert metadata_names_line("Büro", [COMMENT, b"/private/(x)"]) == (
        b'* METADATA "B&APw-ro" /private/comment "/private/(x)"\r\n'
    )
