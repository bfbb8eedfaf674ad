"""Canonical forms: the examples of RFC 6376, portions of a large body, and time."""

import base64
import hashlib
import time

import pytest

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
