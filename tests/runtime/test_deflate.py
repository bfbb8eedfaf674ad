"""Compression of a connection: exact, in pieces, and no more costly than what it stands for."""

import random
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.runtime.deflate import PIECE, CorruptError, Deflate


def packer() -> "zlib._Compress":
    return zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)


def flushed(data: bytes, by: "zlib._Compress | None" = None) -> bytes:
    one = by or packer()
    return one.compress(data) + one.flush(zlib.Z_SYNC_FLUSH)


def unpacked(deflate: Deflate) -> bytes:
    found = []
    while deflate.has_more:
        found.append(deflate.unpack())
        assert len(found[-1]) <= PIECE
    return b"".join(found)


@given(st.lists(st.binary(max_size=300), max_size=10), st.integers(1, 50))
def test_it_unpacks_what_was_packed_however_it_is_cut(said: list[bytes], size: int) -> None:
    by = packer()
    stream = b"".join(flushed(one, by) for one in said)
    deflate = Deflate()
    found = b""
    for start in range(0, len(stream), size):
        deflate.take(stream[start : start + size])
        found += unpacked(deflate)
    assert found == b"".join(said)
    assert deflate.held == 0


def test_it_flushes_each_answer() -> None:
    deflate, reader = Deflate(), zlib.decompressobj(-zlib.MAX_WBITS)
    for line in (b"* 1 EXISTS\r\n", b"a OK Done\r\n", random.Random(1).randbytes(300_000)):
        assert reader.decompress(deflate.pack(line)) == line


def test_it_makes_answers_smaller() -> None:
    deflate = Deflate()
    lines = b"".join(b"* %d FETCH (UID %d FLAGS (\\Seen))\r\n" % (n, n * 3) for n in range(1000))
    assert len(deflate.pack(lines)) < len(lines) / 4


def test_it_unpacks_a_bomb_piece_by_piece() -> None:
    bomb = flushed(b"\0" * 100_000_000)
    assert len(bomb) < 100_000
    deflate = Deflate()
    deflate.take(bomb)
    tracemalloc.start()
    try:
        total = 0
        while deflate.has_more:
            total += len(deflate.unpack())
        assert total == 100_000_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_it_leaves_alone_what_comes_in_the_clear_behind_a_flush() -> None:
    """However the two arrive: RFC 8437 lets a client stop compressing behind any line."""
    for size in (1, 2, 3, 5, 1_000):
        stream = flushed(b"a UNAUTHENTICATE\r\n") + b"b LOGIN x y\r\n"
        deflate = Deflate()
        found = b""
        for start in range(0, len(stream), size):
            deflate.take(stream[start : start + size])
            while deflate.has_more and not found.endswith(b"\n"):
                found += deflate.unpack()
        assert found == b"a UNAUTHENTICATE\r\n"
        assert deflate.leave() == b"b LOGIN x y\r\n"


def test_it_leaves_alone_what_comes_behind_the_end_of_the_stream() -> None:
    by = packer()
    deflate = Deflate()
    deflate.take(by.compress(b"a UNAUTHENTICATE\r\n") + by.flush() + b"b NOOP\r\n")
    assert deflate.unpack() == b"a UNAUTHENTICATE\r\n"
    assert deflate.leave() == b"b NOOP\r\n"
    with pytest.raises(CorruptError):
        deflate.unpack()


def test_it_waits_for_the_end_of_the_last_flush() -> None:
    stream = flushed(b"a UNAUTHENTICATE\r\n")
    deflate = Deflate()
    deflate.take(stream[:-3])
    assert deflate.unpack() == b"a UNAUTHENTICATE\r\n"
    assert deflate.leave() is None
    deflate.take(stream[-3:] + b"b NOOP\r\n")
    assert deflate.leave() == b"b NOOP\r\n"


def test_it_takes_no_more_text_after_the_last_line() -> None:
    deflate = Deflate()
    deflate.take(flushed(b"a UNAUTHENTICATE\r\n")[:-4])
    assert deflate.unpack() == b"a UNAUTHENTICATE\r\n"
    deflate.take(flushed(b"b NOOP\r\n"))
    with pytest.raises(CorruptError):
        deflate.leave()


@pytest.mark.parametrize(
    "junk", [b"\xff" * 100, b"a NOOP\r\n", zlib.compress(b"a NOOP\r\n"), b"\x07"]
)
def test_it_knows_what_is_not_compressed(junk: bytes) -> None:
    deflate = Deflate()
    deflate.take(junk)
    with pytest.raises(CorruptError):
        unpacked(deflate)


@given(st.binary(max_size=500))
def test_it_survives_any_octets(junk: bytes) -> None:
    deflate = Deflate()
    deflate.take(junk)
    try:
        unpacked(deflate)
    except CorruptError:
        return
    assert deflate.held == 0
