"""Line ends of appended mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.lineends import with_crlf


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", b""),
        (b"a", b"a"),
        (b"\n", b"\r\n"),
        (b"a\r\nb\nc\r", b"a\r\nb\r\nc\r"),
        (b"\n\n\r\n", b"\r\n\r\n\r\n"),
        (b"\r\r\n\r", b"\r\r\n\r"),
    ],
)
def test_it_makes_bare_lf_crlf(raw: bytes, expected: bytes) -> None:
    assert with_crlf(raw) == expected


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a"])).map(b"".join))
def test_it_leaves_no_bare_lf_and_changes_nothing_else(raw: bytes) -> None:
    made = with_crlf(raw)
    assert made.replace(b"\r\n", b"").count(b"\n") == 0
    assert made.replace(b"\r\n", b"\n") == raw.replace(b"\r\n", b"\n")
    assert with_crlf(made) == made
