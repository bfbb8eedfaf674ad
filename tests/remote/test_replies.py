"""Replies of servers: read whatever the pieces, bounded, harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.remote.replies import MAX_LINE, MAX_REPLY, MAX_TEXT, Reply, ReplyError, ReplyReader


def read(data: bytes) -> list[Reply]:
    return ReplyReader().feed(data)


def test_it_reads_replies_of_one_and_of_many_lines() -> None:
    assert read(b"250 ok\r\n250-mx\r\n250-SIZE 10\r\n250 DSN\r\n354\r\n") == [
        Reply(250, ("ok",)),
        Reply(250, ("mx", "SIZE 10", "DSN")),
        Reply(354, ("",)),
    ]


@given(cut=st.lists(st.integers(0, 60), max_size=8))
def test_it_reads_the_same_in_any_pieces(cut: list[int]) -> None:
    data = b"220-hello\r\n220 there\r\n550-5.1.1 no\n550 5.1.1 such user\r\n"
    reader, replies = ReplyReader(), []
    ends = sorted({min(one, len(data)) for one in cut} | {len(data)})
    for start, end in zip([0, *ends], ends, strict=False):
        replies += reader.feed(data[start:end])
    assert [(one.code, one.lines) for one in replies] == [
        (220, ("hello", "there")),
        (550, ("5.1.1 no", "5.1.1 such user")),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"hello\r\n",
        b"25 ok\r\n",
        b"2500 ok\r\n",
        b"+25 ok\r\n",
        b" 250 ok\r\n",
        b"150 ok\r\n",
        b"650 ok\r\n",
        b"250_ok\r\n",
        b"\xd9\xa2\xd9\xa5\xd9\xa0 ok\r\n",
        b"\x16\x03\x01\x00\n",
        b"\x00250 ok\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"250-first\r\nsecond\r\n",
    ],
)
def test_it_refuses_what_is_no_reply(data: bytes) -> None:
    with pytest.raises(ReplyError):
        read(data)


def test_it_bounds_a_line_that_does_not_end() -> None:
    reader = ReplyReader()
    assert reader.feed(b"2" * MAX_LINE) == []
    with pytest.raises(ReplyError, match="too long"):
        reader.feed(b"2")


def test_it_bounds_a_reply_that_does_not_end() -> None:
    reader = ReplyReader()
    line = b"250-and so on\r\n"
    for _ in range(MAX_REPLY // len(line)):
        assert reader.feed(line) == []
    with pytest.raises(ReplyError, match="too long"):
        reader.feed(line)


@given(st.binary(max_size=300))
def test_it_survives_anything(data: bytes) -> None:
    try:
        replies = read(b"250 " + data + b"\r\n")
    except ReplyError:
        return
    for reply in replies:
        assert reply.text.isprintable()
        assert len(reply.text) <= MAX_TEXT


def test_it_makes_text_harmless() -> None:
    (reply,) = read("550 a\x00b\x1b[31m\u202ec\x85\x7fd\rX\r\n".encode() + b"")
    assert reply.text == "a?b?[31m?c??d?X"
    (reply,) = read(b"550 \xff\xfe caf\xc3\xa9\r\n")
    assert reply.text.endswith("café")


def test_it_joins_lines_and_keeps_one_status() -> None:
    (reply,) = read(b"550-5.7.1 Blocked, see\r\n550-5.7.1 https://example.org/x\r\n550 5.7.1\r\n")
    assert reply.text == "5.7.1 Blocked, see https://example.org/x"
    assert reply.status == "5.7.1"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("550 5.1.1 no", "5.1.1"),
        ("550 5.1.1", "5.1.1"),
        ("550 5.01.010 no", "5.1.10"),
        ("550 4.1.1 contradicts its code", "5.0.0"),
        ("550 5.1.1no", "5.0.0"),
        ("550 5.1.1.1 no", "5.0.0"),
        ("550 no", "5.0.0"),
        ("421 bye", "4.3.2"),
        ("451 later", "4.3.0"),
        ("499 ?", "4.0.0"),
        ("556 null", "5.1.10"),
        ("250 ok", "2.0.0"),
        ("354 go", "4.0.0"),
    ],
)
def test_it_finds_or_makes_the_enhanced_status(line: str, status: str) -> None:
    (reply,) = read(line.encode() + b"\r\n")
    assert reply.status == status
