"""Tag lists of signatures and key records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import tags
from apps.mailauth.tags import TagError


def test_it_reads_tags() -> None:
    assert tags.parse(b" v=1; a = rsa-sha256;\r\n\tb=x=\r\n y== ; empty=;") == {
        "v": b"1",
        "a": b"rsa-sha256",
        "b": b"x=\r\n y==",
        "empty": b"",
    }
    assert tags.parse(b"") == {}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"a=1; a=2", "twice"),
        (b"a", "malformed"),
        (b"=1", "malformed"),
        (b"a=1;;b=2", "malformed"),
        (b"1a=1", "malformed"),
        (b"a b=1", "malformed"),
        (b"a=" + b"x" * 20_000, "too long"),
        (b";".join(b"t%d=1" % n for n in range(70)), "too many"),
    ],
)
def test_it_refuses_other_lists(value: bytes, reason: str) -> None:
    with pytest.raises(TagError, match=reason):
        tags.parse(value)


@given(st.binary(max_size=300))
def test_it_fails_in_one_way_only(value: bytes) -> None:
    try:
        found = tags.parse(value)
    except TagError:
        return
    assert all(isinstance(name, str) for name in found)


@pytest.mark.parametrize(
    ("value", "without"),
    [
        (b" a=1; b=xyz; c=2", b" a=1; b=; c=2"),
        (b"b=xyz", b"b="),
        (b" a=1;\r\n\tb =\r\n x\r\n y", b" a=1;\r\n\tb ="),
        (b" bh=abc; b=x", b" bh=abc; b="),
        (b" bh=b=c; b=x", b" bh=b=c; b="),
        (b" a=1", b" a=1"),
    ],
)
def test_it_takes_the_value_of_b_out(value: bytes, without: bytes) -> None:
    assert tags.without_b(value) == without
