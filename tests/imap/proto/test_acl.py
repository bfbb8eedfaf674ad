"""The arguments of the ACL commands, and the lines that answer them."""

import pytest

from apps.imap.proto.acl import (
    EXTRA,
    RIGHTS,
    Change,
    MailboxAndIdentifier,
    SetAcl,
    acl_line,
    listrights_line,
    myrights_line,
    parse_mailbox_and_identifier,
    parse_setacl,
    rights_text,
)
from apps.imap.proto.scanner import GrammarError, Scanner
from apps.mailstore import shares
from apps.wire.lines import Literal, RawCommand, Token


def scanner(*tokens: Token) -> Scanner:
    return Scanner(RawCommand(tokens))


def read(line: bytes) -> SetAcl:
    return parse_setacl(scanner(line))


def test_it_knows_the_rights_that_the_tables_know() -> None:
    assert RIGHTS == shares.RIGHTS
    assert set(EXTRA) == set("texk")  # RFC 4314 section 5.1.1


@pytest.mark.parametrize(
    ("text", "change", "rights"),
    [
        (b"lrs", Change.REPLACE, "lrs"),
        (b'""', Change.REPLACE, ""),
        (b"+rr", Change.ADD, "r"),
        (b"-wx", Change.REMOVE, "wx"),
        (b'"+"', Change.ADD, ""),
        (b"c", Change.REPLACE, "kx"),
        (b"d", Change.REPLACE, "te"),
        (b"+cda", Change.ADD, "kxtea"),
        (b"dt", Change.REPLACE, "te"),
        (RIGHTS.encode(), Change.REPLACE, RIGHTS),
    ],
)
def test_it_reads_rights(text: bytes, change: Change, rights: str) -> None:
    """RFC 4314 sections 3.1 and 2.1.1."""
    found = read(b" INBOX fred " + text)
    assert found == SetAcl(b"INBOX", "fred", change, frozenset(rights))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" INBOX",
        b" INBOX fred",
        b" INBOX fred ",
        b" INBOX fred lr x",
        b" INBOX fred LR",
        b" INBOX fred lrQ",
        b" INBOX fred lrq",
        b" INBOX fred lr1",
        b" INBOX fred ++l",
        b" INBOX fred l+",
        b" INBOX fred \xe9",
        b' INBOX "" lr',
        b" INBOX (fred) lr",
        b" INBOX fred " + b"l" * 101,
    ],
)
def test_it_refuses_what_is_no_right_and_nobody(line: bytes) -> None:
    with pytest.raises(GrammarError):
        read(line)


@pytest.mark.parametrize("raw", [b"\xff", b"\xc2\xad", b"a\x07", b"a\xd8\xa7", b"\xe2\x80\x8e"])
def test_it_refuses_identifiers_that_cannot_be_prepared(raw: bytes) -> None:
    """RFC 4314 section 3."""
    with pytest.raises(GrammarError):
        parse_mailbox_and_identifier(scanner(b" INBOX ", Literal(raw), b""))


def test_it_prepares_identifiers_and_remembers_how_they_came() -> None:
    raw = "fre\u00add\uff20x".encode()
    found = parse_mailbox_and_identifier(scanner(b" INBOX ", Literal(raw), b""))
    assert found == MailboxAndIdentifier(b"INBOX", "fred@x", raw)


@pytest.mark.parametrize(
    ("rights", "text"),
    [("", b""), ("rl", b"lr"), ("k", b"kc"), ("x", b"xc"), ("e", b"ed"), ("ta", b"tad")],
)
def test_it_tells_the_virtual_rights_beside_their_members(rights: str, text: bytes) -> None:
    assert rights_text(frozenset(rights)) == text


def test_it_tells_all_rights_in_one_order() -> None:
    assert rights_text(frozenset(RIGHTS)) == b"lrswipkxteacd"


def test_it_writes_lines() -> None:
    entries = [("alice@x.test", frozenset("lr")), ('a"b@x.test', frozenset[str]())]
    assert acl_line(b'"A"', entries) == b'* ACL "A" "alice@x.test" lr "a\\"b@x.test" ""\r\n'
    assert acl_line(b'"A"', []) == b'* ACL "A"\r\n'
    assert myrights_line(b'"A"', frozenset("xl")) == b'* MYRIGHTS "A" lxc\r\n'
    assert myrights_line(b'"A"', frozenset()) == b'* MYRIGHTS "A" ""\r\n'


def test_it_lists_each_right_once() -> None:
    """RFC 4314 section 3.7; those that are always there are not offered again."""
    assert listrights_line(b'"A"', b"b", frozenset()) == (
        b'* LISTRIGHTS "A" "b" "" l r s w i p k x t e a c d\r\n'
    )
    assert listrights_line(b'"A"', b"b", frozenset(RIGHTS)) == (
        b'* LISTRIGHTS "A" "b" lrswipkxteacd\r\n'
    )
    assert listrights_line(b'"A"', b"\xff", frozenset()).startswith(
        b'* LISTRIGHTS "A" {1}\r\n\xff "" l '
    )
