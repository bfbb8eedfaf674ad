"""Lines in and out."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.pop3.proto.lines import LINE_MAX, DotStuffer, LineBuffer, top_size


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@given(st.lists(st.binary(max_size=8).filter(lambda one: b"\n" not in one)), st.data())
def test_it_finds_the_same_lines_however_they_are_cut(
    lines: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(line + b"\r\n" for line in lines)
    buffer = LineBuffer()
    found = []
    for piece in cut(stream, data.draw(st.lists(st.integers(0, 100), max_size=5))):
        buffer.feed(piece)
        while (line := buffer.next_line()) is not None:
            found.append(line)
    assert found == lines
    assert buffer.buffered == 0


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_it_stops_at_a_line_without_end(end: bytes) -> None:
    buffer = LineBuffer()
    buffer.feed(b"x" * (LINE_MAX + 1) + end)
    assert buffer.next_line() is None
    assert buffer.is_overrun
    buffer.feed(b"NOOP\r\n")
    assert buffer.buffered == 0


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        (b"a\r\nb\r\n", b"a\r\nb\r\n.\r\n"),
        (b"no end", b"no end\r\n.\r\n"),
        (b".\r\n..x\r\n", b"..\r\n...x\r\n.\r\n"),
        (b"bare\nlines\n.dot\n", b"bare\r\nlines\r\n..dot\r\n.\r\n"),
        (b"", b".\r\n"),
        (b"a\r\n.", b"a\r\n..\r\n.\r\n"),
    ],
)
def test_it_makes_lines(raw: bytes, sent: bytes) -> None:
    stuffer = DotStuffer()
    assert stuffer.feed(raw) + stuffer.end() == sent


@given(st.lists(st.sampled_from([b"a", b".", b"\n", b"\r\n", b"\r"])), st.data())
def test_it_makes_the_same_lines_however_they_are_cut(
    words: list[bytes], data: st.DataObject
) -> None:
    raw = b"".join(words)
    whole, parts = DotStuffer(), DotStuffer()
    expected = whole.feed(raw) + whole.end()
    pieces = cut(raw, data.draw(st.lists(st.integers(0, 100), max_size=5)))
    assert b"".join(map(parts.feed, pieces)) + parts.end() == expected
    assert b"\n.\r\n" not in expected[:-3] or expected.startswith(b".\r\n")


def test_it_measures_the_first_lines() -> None:
    assert top_size(b"a\r\nb\r\nc", 0) == 0
    assert top_size(b"a\r\nb\r\nc", 2) == 6
    assert top_size(b"a\r\nb\r\nc", 9) == 7
