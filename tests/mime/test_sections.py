"""Sections of stored trees: BODY[...] without parsing again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.sections import What, dump_parts, find_part, load_parts, section_range
from apps.mime.tree import scan_tree
from apps.wire.errors import Damaged

# The shape of the example in RFC 3501 section 6.4.5.
RAW = (
    b"Subject: root\r\nContent-Type: multipart/mixed; boundary=A\r\n\r\n"
    b"--A\r\nContent-Type: text/plain\r\n\r\none\r\n"
    b"--A\r\nContent-Type: application/octet-stream; name*=utf-8''%E2%82%AC\r\n"
    b"Content-Disposition: attachment\r\nContent-ID: <i>\r\n\r\ntwo\r\n"
    b"--A\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
    b"--B\r\nContent-Type: text/plain\r\n\r\nthree one\r\n"
    b"--B\r\nContent-Type: application/octet-stream\r\n\r\nthree two\r\n"
    b"--B--\r\n"
    b"--A\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n"
    b"--C\r\nContent-Type: image/gif\r\n\r\nfour one\r\n"
    b"--C\r\nContent-Type: message/rfc822\r\n\r\nSubject: four two\r\n\r\nfour two text\r\n"
    b"--C--\r\n"
    b"--A--\r\n"
)


def section(path: tuple[int, ...], what: What = "", raw: bytes = RAW) -> bytes | None:
    found = section_range(load_parts(dump_parts(scan_tree(raw))), path, what)
    return None if found is None else raw[found[0] : found[1]]


@pytest.mark.parametrize(
    ("path", "what", "expected"),
    [
        ((), "", RAW),
        ((), "HEADER", RAW[: RAW.index(b"--A")]),
        ((), "TEXT", RAW[RAW.index(b"--A") :]),
        ((1,), "", b"one"),
        ((1,), "MIME", b"Content-Type: text/plain\r\n\r\n"),
        ((2,), "", b"two"),
        ((3,), "HEADER", b"Subject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"),
        ((3,), "MIME", b"Content-Type: message/rfc822\r\n\r\n"),
        ((3, 1), "", b"three one"),
        ((3, 2), "MIME", b"Content-Type: application/octet-stream\r\n\r\n"),
        ((4, 1), "", b"four one"),
        ((4, 2), "", b"Subject: four two\r\n\r\nfour two text"),
        ((4, 2), "HEADER", b"Subject: four two\r\n\r\n"),
        ((4, 2), "TEXT", b"four two text"),
        ((4, 2, 1), "", b"four two text"),
        ((4, 2, 1), "MIME", b"Subject: four two\r\n\r\n"),
        ((), "MIME", None),
        ((0,), "", None),
        ((5,), "", None),
        ((1, 1), "", None),
        ((1,), "HEADER", None),
        ((1,), "TEXT", None),
        ((4,), "HEADER", None),
        ((4, 2, 2), "", None),
        ((4, 2, 1, 1), "", None),
        ((3, 3), "", None),
    ],
)
def test_it_finds_sections(path: tuple[int, ...], what: What, expected: bytes | None) -> None:
    assert section(path, what) == expected


def test_it_numbers_the_only_part_of_a_message() -> None:
    raw = b"Subject: x\r\n\r\nbody"
    assert section((1,), "", raw) == b"body"
    assert section((1,), "MIME", raw) == b"Subject: x\r\n\r\n"
    assert section((1, 1), "", raw) is None
    assert section((2,), "", raw) is None


def test_it_numbers_a_message_that_is_the_only_part() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody"
    assert section((1,), "", raw) == b"Subject: in\r\n\r\nbody"
    assert section((1,), "HEADER", raw) == b"Subject: in\r\n\r\n"
    assert section((1, 1), "", raw) == b"body"
    assert section((1, 1, 1), "", raw) is None


def test_it_keeps_what_the_web_and_binary_need() -> None:
    loaded = load_parts(dump_parts(scan_tree(RAW)))
    part = find_part(loaded, (2,))
    assert part is not None
    assert (part.mime_type, part.filename) == ("application/octet-stream", "€")
    assert (part.disposition, part.id, part.encoding) == (b"attachment", b"<i>", b"7bit")
    assert part.is_attachment
    assert [child.lines for child in loaded.children] == [0, 0, 12, 0]


def test_it_keeps_any_octets_of_strings() -> None:
    raw = (
        b'Content-Type: a/b; c="\xff\x80"\r\nContent-Description:\r\nContent-Location: \xe9\r\n\r\n'
    )
    part = load_parts(dump_parts(scan_tree(raw)))
    assert (part.params, part.description, part.location) == (((b"c", b"\xff\x80"),), b"", b"\xe9")


@given(
    st.lists(
        st.sampled_from(
            [
                b"Content-Type: multipart/mixed; boundary=A\r\n",
                b"Content-Type: message/rfc822\r\n",
                b"Content-ID: \xff\r\n",
                b"--A\r\n",
                b"--A--\r\n",
                b"\r\n",
                b"text\n",
            ]
        ),
        max_size=25,
    ).map(b"".join)
)
def test_it_loads_what_it_dumped(raw: bytes) -> None:
    root = scan_tree(raw)
    loaded = load_parts(dump_parts(root))
    for part in root.walk():
        part.envelope = None
    assert loaded == root
    for path in ((), (1,), (2,), (1, 1), (1, 2), (2, 1), (1, 1, 1)):
        for what in ("", "HEADER", "TEXT", "MIME"):
            found = section_range(loaded, path, what)
            assert found is None or 0 <= found[0] <= found[1] <= len(raw)


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"7",
        b'{"a":1}',
        b"[[]]",
        b"[[-1,0,0,0,0,1,2,3]]",
        b"[" * 99_999,
    ],
)
def test_it_says_what_is_no_tree(stored: bytes) -> None:
    with pytest.raises(Damaged):
        load_parts(stored)
