"""Content-Transfer-Encodings, right and broken."""

import base64 as stdlib_base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime import decode
from apps.mime.tree import scan_tree


@pytest.mark.parametrize(
    ("raw", "octets"),
    [
        (b"", b""),
        (b"aGVsbG8=", b"hello"),
        (b"aGVs\r\nbG8=\r\n", b"hello"),
        (b"aGVsbG8", b"hello"),
        (b"aGVsbG8==", b"hello"),
        (b"aGVs bG8!=", b"hello"),
        (b"aGVsbG8=aGVsbG8=", b"hellohello"),
        (b"aGVsbG8=\r\n-- \r\nlist footer", b"hello" + stdlib_base64.b64decode("listfooter==")),
        (b"a", b""),
        (b"====", b""),
        (b"\xff\0", b""),
    ],
)
def test_it_decodes_base64(raw: bytes, octets: bytes) -> None:
    assert decode.base64(raw) == octets


@pytest.mark.parametrize(
    ("raw", "octets"),
    [
        (b"a=20b=3D", b"a b="),
        (b"soft=\r\nline", b"softline"),
        (b"soft=\nline", b"softline"),
        (b"a=XXb=", b"a=XXb"),
        (b"a_b", b"a_b"),
        (b"=c3=a4", "ä".encode()),
        (b"lines\r\nkept\r\n", b"lines\r\nkept\r\n"),
    ],
)
def test_it_decodes_quoted_printable(raw: bytes, octets: bytes) -> None:
    assert decode.quoted_printable(raw) == octets


def test_it_leaves_other_encodings_alone() -> None:
    for encoding in (b"7bit", b"8bit", b"binary", b"x-uuencode", b""):
        assert decode.body(b"a=20", encoding) == b"a=20"
    assert decode.body(b"a=20", b"quoted-printable") == b"a "
    assert decode.body(b"YQ==", b"base64") == b"a"


def test_it_reads_the_text_of_a_part() -> None:
    raw = (
        b"Content-Type: text/plain; charset=iso-8859-1\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\ngr=F6=DFer\r\n"
    )
    assert decode.text_of(scan_tree(raw), raw) == "größer\r\n"


def test_it_cuts_text_between_characters() -> None:
    raw = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "日本語😀".encode() * 100
    part = scan_tree(raw)
    for limit in range(1, 40):
        assert decode.text_of(part, raw, limit=limit) in "日本語😀" * 100
    assert decode.text_of(part, raw, limit=10_000) == "日本語😀" * 100


@given(st.binary(max_size=100))
def test_it_reads_back_what_others_encode(data: bytes) -> None:
    assert decode.base64(stdlib_base64.encodebytes(data)) == data
    assert decode.quoted_printable(quopri.encodestring(data, quotetabs=True)) == data


@given(st.binary(max_size=100) | st.text(alphabet="aA1+/= \r\n-", max_size=60).map(str.encode))
def test_it_decodes_anything(raw: bytes) -> None:
    assert len(decode.base64(raw)) <= len(raw)
    assert len(decode.quoted_printable(raw)) <= len(raw)
