"""Header blocks and encoded words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.headers import FIELDS_MAX, decode_text, scan, unfold

MESSAGE = (
    b"Received: from a\r\n\tby b\r\n"
    b"Received: from c\r\n"
    b"subject:folded\r\n  value \r\n"
    b"From: a@b\r\n"
    b"\r\n"
    b"Body: no\r\n"
)


def test_it_finds_fields_with_offsets() -> None:
    block = scan(MESSAGE)
    assert [field.name for field in block.fields] == [b"received", b"received", b"subject", b"from"]
    assert MESSAGE[block.body_start :] == b"Body: no\r\n"
    subject = block.fields[2]
    assert MESSAGE[subject.start : subject.end] == b"subject:folded\r\n  value \r\n"
    assert MESSAGE[subject.value_start : subject.end] == b"folded\r\n  value \r\n"
    assert block.first(b"subject") == b"folded  value"
    assert block.all(b"received") == [b"from a\tby b", b"from c"]
    assert block.count(b"received") == 2
    assert block.first(b"to") is None
    assert block.all(b"to") == []
    assert not block.is_cut


def test_it_reads_bare_lf_alike() -> None:
    block = scan(MESSAGE.replace(b"\r\n", b"\n"))
    assert block.first(b"subject") == b"folded  value"
    assert block.all(b"received") == [b"from a\tby b", b"from c"]


@pytest.mark.parametrize(
    ("raw", "names", "body"),
    [
        (b"", [], b""),
        (b"\r\n", [], b""),
        (b"\r\nbody", [], b"body"),
        (b"\nA: no\n", [], b"A: no\n"),
        (b"A: x", [b"a"], b""),
        (b"A: x\r\n", [b"a"], b""),
        (b"A: x\r\n\r\n", [b"a"], b""),
        (b"A: x\r\n\nbody", [b"a"], b"body"),
        (b"From joe Mon Jan 1 00:00:00 2024\nA: x\n\nb", [b"a"], b"b"),
        (b"junk line\r\nA: x\r\njunk\r\n continued: x\r\nB: y\r\n\r\nz", [b"a", b"b"], b"z"),
        (b"A : x\r\nB\t: y\r\n: z\r\nC D: w\r\n\r\n", [b"a", b"b"], b""),
        (b" leading: fold\r\nA: x\r\n\r\n", [b"a"], b""),
        (b"A:\r\nB:\r\n\r\n", [b"a", b"b"], b""),
        (b"A: x\r\n \r\nB: y\r\n\r\n", [b"a", b"b"], b""),
    ],
)
def test_it_forgives_what_senders_do(raw: bytes, names: list[bytes], body: bytes) -> None:
    block = scan(raw)
    assert [field.name for field in block.fields] == names
    assert raw[block.body_start :] == body


def test_it_cuts_a_header_that_is_too_large_behind_a_line() -> None:
    raw = b"A: 1\r\n" + b"X: filler\r\n" * 1_000 + b"\r\nbody"
    block = scan(raw, limit=100)
    assert block.is_cut
    assert block.fields[-1].end <= 100
    assert raw[block.fields[-1].start : block.fields[-1].end] == b"X: filler\r\n"
    assert raw[block.body_start :] == b"body"


def test_it_bounds_the_number_of_fields() -> None:
    block = scan(b"A:\n" * (FIELDS_MAX + 1) + b"\n")
    assert (len(block.fields), block.is_cut) == (FIELDS_MAX, True)


def test_it_scans_a_part_without_looking_further() -> None:
    raw = b"\r\nA: 1\r\nB: 2\r\n\r\nC: 3\r\n"
    block = scan(raw, start=2, end=8)
    assert [field.name for field in block.fields] == [b"a"]
    assert block.body_start == 8


def test_it_unfolds() -> None:
    assert unfold(b"a\r\n b\n\tc\r\n") == b"a b\tc"
    assert unfold(b"a\n b") == b"a b"
    assert unfold(b"\r\n a\r\n") == b"a"
    assert unfold(b"a\rb\r\r\n") == b"a b"
    assert unfold(b"") == unfold(b"\n") == unfold(b"\r\n") == unfold(b"\n ") == b""


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        # RFC 2047 section 8
        (b"=?US-ASCII?Q?Keith_Moore?=", "Keith Moore"),
        (b"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"),
        (b"=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"),
        (
            b"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
            b" =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
            "If you can read this you understand the example.",
        ),
        (b"=?ISO-8859-1?Q?a?=", "a"),
        (b"=?ISO-8859-1?Q?a?= b", "a b"),
        (b"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a?=\r\n     =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a_b?=", "a b"),
        (b"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
        # and what senders do
        (b"x =?utf-8?q?a?= y =?utf-8?q?b?= z", "x a y b z"),
        (b"=?utf-8?Q?J=C3?= =?utf-8?Q?=B6rg?=", "Jörg"),
        (b"=?utf-8?B?SsO?= =?utf-8?B?tnJn?=", "Jörg"),
        (b"=?UTF-8*de?q?J=C3=B6rg?=", "Jörg"),
        (b"=?utf-8?q?with space?=", "with space"),
        (b"a=?utf-8?q?b?=c", "abc"),
        (b'"=?utf-8?q?quoted?="', '"quoted"'),
        (b"=?gb2312?B?xOO6ww==?=", "你好"),
        (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        (b"=?unknown-x?q?caf=C3=A9?=", "café"),
        (b"=?iso-8859-1?q?=80?=", "€"),
        ("roh: größer".encode(), "roh: größer"),
        ("größer".encode("latin-1"), "größer"),
        (b"=?utf-8?q?unfinished", "=?utf-8?q?unfinished"),
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"=??q?abc?=", "=??q?abc?="),
        (b"=?utf-8?q??=", ""),
        (b"  padded\t text ", "padded  text"),
        (b"", ""),
    ],
)
def test_it_decodes_text(raw: bytes, text: str) -> None:
    assert decode_text(raw) == text


@pytest.mark.parametrize(
    "raw",
    [
        b"a\r\nBcc: x",
        b"a\0b",
        b"=?utf-8?q?a=0D=0ABcc:_x?=",
        b"=?utf-8?B?cG90dXNAd2hpdGVob3VzZS5nb3YAcG90dXM=?=",
        b"=?utf-8?q?=C2=85=E2=80=A8x?=",
        b"=?utf-7?q?+AA0ACg-x?=",
        b"=?utf-16?B?AAoADQ==?=",
    ],
)
def test_it_lets_no_control_through(raw: bytes) -> None:
    text = decode_text(raw)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", text)
    assert text


@given(
    st.binary(max_size=200)
    | st.lists(
        st.sampled_from(
            [
                b"A: ",
                b"\r\n",
                b"\n",
                b" ",
                b"x",
                b":",
                b"=?",
                b"?=",
                b"?q?",
                b"?B?",
                b"utf-8",
                b"\0",
                b"\xff",
            ]
        ),
        max_size=40,
    ).map(b"".join)
)
def test_it_reads_anything(raw: bytes) -> None:
    block = scan(raw)
    at = 0
    for field in block.fields:
        assert at <= field.start < field.value_start <= field.end <= block.body_start
        at = field.end
        assert b"\n" not in block.value(field)
        assert "\n" not in decode_text(block.value(field))
    assert "\n" not in decode_text(raw)
    assert 0 <= block.body_start <= len(raw)
    assert scan(raw, limit=20).body_start == block.body_start
