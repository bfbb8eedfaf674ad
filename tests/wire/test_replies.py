"""Replies: what goes onto the wire, and that nothing else can."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.wire.replies import MAX_REPLY_LINE, Reply


@pytest.mark.parametrize(
    ("reply", "wire"),
    [
        (Reply(250, "2.1.0", "Sender ok"), b"250 2.1.0 Sender ok\r\n"),
        (Reply(220, "", "mail.example.test ESMTP"), b"220 mail.example.test ESMTP\r\n"),
        (
            Reply(250, "", "host\nSIZE 1000\nPIPELINING"),
            b"250-host\r\n250-SIZE 1000\r\n250 PIPELINING\r\n",
        ),
        (Reply(550, "5.7.1", "No.\nGo away."), b"550-5.7.1 No.\r\n550 5.7.1 Go away.\r\n"),
        (Reply(354, "", ""), b"354 \r\n"),
    ],
)
def test_it_writes_each_kind(reply: Reply, wire: bytes) -> None:
    assert reply.encode() == wire


def test_it_asks_for_utf8_before_it_sends_utf8() -> None:
    reply = Reply(550, "5.1.1", "No such user: jörg")
    assert reply.encode() == b"550 5.1.1 No such user: j?rg\r\n"
    assert reply.encode(utf8=True) == "550 5.1.1 No such user: jörg\r\n".encode()


def test_it_lets_no_text_end_a_line_early() -> None:
    reply = Reply(550, "5.1.1", "a\r\n250 2.0.0 accepted\rb\0\x85\u2028c")
    assert reply.encode() == b"550-5.1.1 a\r\n550-5.1.1 250 2.0.0 accepted\r\n550 5.1.1 bc\r\n"


def test_it_cuts_a_long_line_between_characters() -> None:
    (line,) = Reply(550, "5.1.1", "ä" * 1_000).lines(utf8=True)
    assert len(line) <= MAX_REPLY_LINE - 2
    assert line.decode("utf-8").startswith("550 5.1.1 ää")


@pytest.mark.parametrize(("code", "enhanced"), [(199, ""), (600, ""), (250, "2"), (250, "9.1.1")])
def test_it_refuses_what_no_client_reads(code: int, enhanced: str) -> None:
    with pytest.raises(ValueError, match="not an"):
        Reply(code, enhanced, "x")


def test_it_knows_its_class() -> None:
    positive, transient, permanent = Reply(354, "", ""), Reply(421, "", ""), Reply(554, "", "")
    assert [positive.is_positive, transient.is_positive, permanent.is_positive] == [
        True,
        False,
        False,
    ]
    assert [positive.is_transient, transient.is_transient, permanent.is_transient] == [
        False,
        True,
        False,
    ]
    assert [positive.is_permanent, transient.is_permanent, permanent.is_permanent] == [
        False,
        False,
        True,
    ]


@given(st.text(), st.booleans())
def test_it_writes_any_text_as_one_reply(text: str, utf8: bool) -> None:
    wire = Reply(451, "4.3.0", text).encode(utf8=utf8)
    assert wire.endswith(b"\r\n")
    *inner, last = wire[:-2].split(b"\r\n")
    assert all(line.startswith(b"451-4.3.0 ") for line in inner)
    assert last.startswith(b"451 4.3.0 ")
    assert all(len(line) <= 510 and not set(line) & {0, 10, 13} for line in (*inner, last))
