"""Frames: every byte comes back, in whole and in part, and damage is always noticed."""

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.blobs import encoding
from apps.blobs.encoding import (
    FRAME,
    BrokenEncodingError,
    FrameIndex,
    compress,
    decode_frames,
    decompress,
    encode_frames,
)


@given(st.binary(max_size=5_000))
def test_it_compresses_without_loss(raw: bytes) -> None:
    stored, compressed = compress(raw)
    assert len(stored) <= len(raw) or not raw
    assert (decompress(stored, len(raw)) if compressed else stored) == raw


@settings(deadline=None)
@given(st.binary(max_size=300), st.data())
def test_it_reads_any_range_of_frames(raw: bytes, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "FRAME", 64)
        stored, packed = encode_frames(raw)
        index = FrameIndex.unpack(packed)
        assert index.stored_size == len(stored)
        start = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.integers(start, len(raw)))
        frames = index.cover(start, end)
        if start == end:
            assert not frames
            return
        piece = stored[index.starts[frames.start] : index.starts[frames.stop]]
        decoded = decode_frames(piece, index, frames, len(raw))
        assert decoded[start - frames.start * 64 : end - frames.start * 64] == raw[start:end]
        assert len(frames) <= (end - start) // 64 + 2


def test_it_stores_as_it_is_what_does_not_shrink() -> None:
    raw = os.urandom(FRAME) + bytes(FRAME)
    stored, packed = encode_frames(raw)
    index = FrameIndex.unpack(packed)
    assert index.starts[1] == FRAME
    assert stored[:FRAME] == raw[:FRAME]
    assert index.stored_size < FRAME + 1_000


def test_it_notices_any_flipped_bit() -> None:
    dice = random.Random(1)
    raw = dice.randbytes(1_000) + bytes(5_000)
    stored, packed = encode_frames(raw)
    index = FrameIndex.unpack(packed)
    for _ in range(200):
        place = dice.randrange(len(stored))
        broken = bytearray(stored)
        broken[place] ^= 1 << dice.randrange(8)
        with pytest.raises(BrokenEncodingError):
            decode_frames(bytes(broken), index, range(1), len(raw))


def test_it_notices_a_cut() -> None:
    stored, packed = encode_frames(bytes(100_000))
    index = FrameIndex.unpack(packed)
    for end in range(len(stored)):
        with pytest.raises(BrokenEncodingError):
            decode_frames(stored[:end], index, range(1), 100_000)
    with pytest.raises(BrokenEncodingError):
        FrameIndex.unpack(packed[:-1])


def test_it_never_makes_more_than_was_promised() -> None:
    bomb, _ = compress(bytes(50_000_000))
    assert len(bomb) < 10_000
    with pytest.raises(BrokenEncodingError):
        decompress(bomb, 1_000)
    with pytest.raises(BrokenEncodingError):
        decompress(b"not zstd", 8)
