"""The arguments of the quota commands, and the lines that answer them."""

import pytest

from apps.imap.proto.quota import (
    Root,
    parse_getquota,
    parse_setquota,
    quota_line,
    quotaroot_line,
)
from apps.imap.proto.scanner import GrammarError, Scanner
from apps.wire.lines import Literal, RawCommand, Token


def scanner(*tokens: Token) -> Scanner:
    return Scanner(RawCommand(tokens))


def test_it_reads_the_name_of_a_root() -> None:
    assert parse_getquota(scanner(b' "!partition/sda4"')) == Root(b"!partition/sda4")
    assert parse_getquota(scanner(b' ""')) == Root(b"")
    assert parse_getquota(scanner(b" ", Literal(b"a b"), b"")) == Root(b"a b")


@pytest.mark.parametrize(
    "limits",
    [b"()", b"(STORAGE 510)", b"(storage 0 X-NEW 9223372036854775807)", b"(MESSAGE 1 STORAGE 2)"],
)
def test_it_reads_limits(limits: bytes) -> None:
    assert parse_setquota(scanner(b' "" ' + limits)) == Root(b"")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" root",
        b" root STORAGE 1",
        b" root (STORAGE)",
        b" root (STORAGE -1)",
        b" root (STORAGE 9223372036854775808)",
        b" root (STORAGE 1",
        b" root (STORAGE 1 )",
        b" root ( STORAGE 1)",
        b" root (STORAGE 1) x",
        b" root (" + b"STORAGE 1 " * 20 + b"STORAGE 1)",
    ],
)
def test_it_refuses_what_are_no_limits(line: bytes) -> None:
    with pytest.raises(GrammarError):
        parse_setquota(scanner(line))


def test_it_writes_lines() -> None:
    """RFC 9208 sections 4.2.1 and 4.2.2."""
    assert quota_line("", [(b"STORAGE", 10, 512)]) == b'* QUOTA "" (STORAGE 10 512)\r\n'
    two = [(b"STORAGE", 54, 111), (b"MESSAGE", 42, 1000)]
    assert quota_line("#user/alice", two) == (
        b'* QUOTA "#user/alice" (STORAGE 54 111 MESSAGE 42 1000)\r\n'
    )
    assert quota_line("user/\u00e9", []) == b"* QUOTA {7}\r\nuser/\xc3\xa9 ()\r\n"
    assert quotaroot_line(b'"INBOX"', [""]) == b'* QUOTAROOT "INBOX" ""\r\n'
    assert quotaroot_line(b'"comp.mail.mime"', []) == b'* QUOTAROOT "comp.mail.mime"\r\n'
