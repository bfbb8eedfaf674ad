"""What is shown is head + prefix + blob minus cuts, byte for byte, whole and in pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailstore.shown import Source, assemble, check_cuts, kept, runs, shown_size, trace


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, bytes, bytes, tuple[tuple[int, int], ...]]:
    head, prefix, raw = (draw(st.binary(max_size=60)) for _ in range(3))
    edges = sorted(draw(st.sets(st.integers(0, len(raw)), max_size=8)))
    cuts = tuple(zip(edges[::2], edges[1::2], strict=False))
    return head, prefix, raw, cuts


def plainly(prefix: bytes, raw: bytes, cuts: tuple[tuple[int, int], ...]) -> bytes:
    hidden = {place for start, end in cuts for place in range(start, end)}
    return prefix + bytes(octet for place, octet in enumerate(raw) if place not in hidden)


@given(messages())
def test_it_shows_all_but_the_cuts(
    message: tuple[bytes, bytes, bytes, tuple[tuple[int, int], ...]],
) -> None:
    _, prefix, raw, cuts = message
    shown = assemble(prefix, raw, cuts)
    assert shown == plainly(prefix, raw, cuts)
    assert shown_size(len(prefix), cuts, len(raw)) == len(shown)
    assert b"".join(raw[start:end] for start, end in kept(cuts, len(raw))) == shown[len(prefix) :]


@given(messages(), st.integers(0, 200), st.integers(0, 200))
def test_it_finds_the_runs_of_any_slice(
    message: tuple[bytes, bytes, bytes, tuple[tuple[int, int], ...]], start: int, end: int
) -> None:
    head, prefix, raw, cuts = message
    bytes_of = {Source.HEAD: head, Source.PREFIX: prefix, Source.BLOB: raw}
    found = runs(start, end, head=len(head), prefix=len(prefix), cuts=cuts, size=len(raw))
    got = b"".join(bytes_of[source][first:last] for source, first, last in found)
    assert got == (head + plainly(prefix, raw, cuts))[start:end]


@pytest.mark.parametrize("cuts", [[(3, 2)], [(2, 2)], [(-1, 2)], [(0, 11)], [(0, 5), (4, 6)]])
def test_it_refuses_cuts_that_make_no_sense(cuts: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="cut"):
        check_cuts(cuts, 10)


def test_it_takes_cuts_that_touch() -> None:
    assert check_cuts([(0, 2), (2, 4)], 10) == ((0, 2), (2, 4))


def test_what_is_written_of_a_message_is_no_letter() -> None:
    fields = b"Received: by us\r\nX: y\r\n"
    assert trace(fields) == fields
    assert trace(fields + b"\r\n") == fields + b"\r\n"
    assert trace(b"Received: by us\r\n\r\nwith ESMTPSA") == b""
    assert trace(b"") == b""
