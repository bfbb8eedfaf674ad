"""Octets as IMAP strings, read back by a reader of our own."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.wire.imapstring import QUOTED_MAX, imap_nstring, imap_string


@pytest.mark.parametrize(
    ("raw", "wire"),
    [
        (b"", b'""'),
        (b"INBOX", b'"INBOX"'),
        (b'say "hi" \\o/', b'"say \\"hi\\" \\\\o/"'),
        (b"two\r\nlines", b"{10}\r\ntwo\r\nlines"),
        ("grün".encode(), b"{5}\r\ngr\xc3\xbcn"),
        (b"tab\there", b"{8}\r\ntab\there"),
        (b"nul\0", b"{4}\r\nnul\x80"),
        (b"x" * QUOTED_MAX, b'"' + b"x" * QUOTED_MAX + b'"'),
        (b"x" * (QUOTED_MAX + 1), b"{1001}\r\n" + b"x" * (QUOTED_MAX + 1)),
    ],
)
def test_it_quotes_what_is_safe_and_short(raw: bytes, wire: bytes) -> None:
    assert imap_string(raw) == wire


def test_it_writes_nil_for_nothing() -> None:
    assert imap_nstring(None) == b"NIL"
    assert imap_nstring(b"NIL") == b'"NIL"'


def read(wire: bytes) -> bytes:
    """Read one IMAP string that fills `wire`, as a client does."""
    if wire.startswith(b"{"):
        size, _, data = wire[1:].partition(b"}\r\n")
        assert int(size) == len(data)
        return data
    quoted = re.fullmatch(rb'"((?:[^"\\\r\n]|\\["\\])*)"', wire)
    assert quoted is not None
    return re.sub(rb"\\(.)", rb"\1", quoted[1])


@given(st.binary(max_size=40) | st.text(alphabet='ab"\\ ', max_size=20).map(str.encode))
def test_it_writes_any_octets_so_that_they_come_back(raw: bytes) -> None:
    assert read(imap_string(raw)) == raw.replace(b"\0", b"\x80")
