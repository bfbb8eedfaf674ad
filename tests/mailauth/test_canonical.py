"""Canonical forms: the examples of RFC 6376, portions of a large body, and time."""

import base64
import hashlib
import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import canonical
from apps.mailauth.message import read_fields


def _hash(text: bytes) -> tuple[bytes, int]:
    return hashlib.sha256(text).digest(), len(text)


@pytest.mark.parametrize(
    ("body", "relaxed", "simple"),
    [
        # RFC 6376 section 3.4.5
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n", b" C \r\nD \t E\r\n"),
        # section 3.4.4 and 3.4.3: nothing, and a line end
        (b"", b"", b"\r\n"),
        (b"\r\n\r\n", b"", b"\r\n"),
        (b" \t\r\n \r\n", b"", b" \t\r\n \r\n"),
        (b"a", b"a\r\n", b"a\r\n"),
        (b"a \t", b"a\r\n", b"a \t\r\n"),
        (b"\r\n\r\na\r\n", b"\r\n\r\na\r\n", b"\r\n\r\na\r\n"),
        # A bare CR or LF ends no line.
        (b"a \n\r\n", b"a \n\r\n", b"a \n\r\n"),
        (b"a\r\r\n\n\r\n\r\n", b"a\r\r\n\n\r\n", b"a\r\r\n\n\r\n"),
    ],
)
def test_it_hashes_the_canonical_body(body: bytes, relaxed: bytes, simple: bytes) -> None:
    assert canonical.body_hash(body, is_relaxed=True) == _hash(relaxed)
    assert canonical.body_hash(body, is_relaxed=False) == _hash(simple)


def test_it_knows_the_hash_of_nothing() -> None:
    empty, _ = canonical.body_hash(b"", is_relaxed=True)
    assert base64.b64encode(empty) == b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def test_portions_of_a_large_body_make_one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"a  b \r\n\r\n \t\r\n" * 50 + b"\r\n" * 40 + b"end\r\n" + b"\r\n" * 30
    whole = [canonical.body_hash(body, is_relaxed=one) for one in (True, False)]
    for portion in (1, 2, 3, 7, 64):
        monkeypatch.setattr(canonical, "PORTION", portion)
        assert [canonical.body_hash(body, is_relaxed=one) for one in (True, False)] == whole


@pytest.mark.parametrize(
    ("raw", "relaxed"),
    [
        (b"A: X\r\n", b"a:X"),  # section 3.4.5
        (b"B : Y\t\r\n\tZ  \r\n", b"b:Y Z"),
        (b"Subject:\r\n", b"subject:"),
        (b"X: \t \r\n \r\n", b"x:"),
        (b"X:a\r\n\tb\r\n  c", b"x:a b c"),
        (b"X: \xc3\xa4\x00\x0b\r\n", b"x:\xc3\xa4\x00\x0b"),
    ],
)
def test_it_relaxes_a_field(raw: bytes, relaxed: bytes) -> None:
    (field,) = read_fields(raw)
    assert canonical.relaxed_field(field) == relaxed
    assert canonical.simple_field(field) + b"\r\n" == raw.removesuffix(b"\r\n") + b"\r\n"


@pytest.mark.parametrize(
    "body",
    [b"\r\n", b" ", b"\t \r\n", b"\r", b"\n", b"a \r\n", b"\n\r", b"aaaaaaaaaaaa"],
    ids=repr,
)
def test_hostile_bodies_cost_linear_time(body: bytes) -> None:
    def cost(size: int) -> float:
        text = body * (size // len(body))
        begin = time.process_time()
        canonical.body_hash(text, is_relaxed=True)
        canonical.body_hash(text, is_relaxed=False)
        return time.process_time() - begin

    small = min(cost(1 << 20) for _ in range(3))
    assert cost(8 << 20) < 8 * max(small, 0.01) * 5


def _plainly(body: bytes, *, is_relaxed: bool) -> bytes:
    """The canonical form, by the words of sections 3.4.3 and 3.4.4 and without any cleverness."""
    lines = body.split(b"\r\n")
    if lines[-1] == b"":
        lines.pop()
    if is_relaxed:
        lines = [re.sub(rb"[ \t]+", b" ", line).removesuffix(b" ") for line in lines]
    while lines and lines[-1] == b"":
        lines.pop()
    if not lines:
        return b"" if is_relaxed else b"\r\n"
    return b"".join(line + b"\r\n" for line in lines)


@given(
    st.lists(st.sampled_from([b" ", b"\t", b"\r", b"\n", b"\r\n", b"a", b"bc", b"\xff"])),
    st.lists(st.integers(0, 30), max_size=8),
    st.lists(st.integers(0, 40), max_size=5),
    st.booleans(),
)
def test_portions_cut_anywhere_make_the_form_of_the_rfc(
    pieces: list[bytes], cuts: list[int], limits: list[int], is_relaxed: bool
) -> None:
    body = b"".join(pieces)
    hasher = canonical.BodyHasher(is_relaxed=is_relaxed, limits=limits)
    places = [0, *sorted(cuts), len(body)]
    for start, end in pairwise(places):
        hasher.update(body[start:end])
    plain = _plainly(body, is_relaxed=is_relaxed)
    assert (hasher.finish(), hasher.size) == _hash(plain)
    assert hasher.digests == {
        limit: hashlib.sha256(plain[:limit]).digest() for limit in limits if limit <= len(plain)
    }
