"""Command lines."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.pop3.proto.commands import Command, ForeignError, GrammarError, parse


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"stat", Command("STAT")),
        (b"RETR 1", Command("RETR", (1,))),
        (b"TOP 2 10", Command("TOP", (2, 10))),
        (b"LIST", Command("LIST")),
        (b"PASS a b c ", Command("PASS", text=b"a b c ")),
        (b"AUTH PLAIN =", Command("AUTH", text=b"PLAIN =")),
    ],
)
def test_it_reads(line: bytes, command: Command) -> None:
    assert parse(line) == command


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"XYZZY",
        b"RETR",
        b"RETR 1 2",
        b"RETR \xd9\xa1",
        b"RETR 0x1",
        b"RETR -1",
        b"RETR +1",
        b"RETR 1_0",
        b"RETR 18446744073709551616",
        b"RETR " + b"9" * 5000,
        b"QUIT now",
        b"TOP 1",
        b"USER a\0b",
    ],
)
def test_it_refuses(line: bytes) -> None:
    with pytest.raises(GrammarError):
        parse(line)


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"post / HTTP/1.1", b"Host: x"])
def test_it_knows_a_browser(line: bytes) -> None:
    with pytest.raises(ForeignError):
        parse(line)


@given(st.binary(max_size=40))
def test_it_raises_nothing_else(line: bytes) -> None:
    with contextlib.suppress(GrammarError):
        parse(line)


def test_it_never_shows_a_password() -> None:
    assert "hunter2" not in repr(parse(b"PASS hunter2"))
