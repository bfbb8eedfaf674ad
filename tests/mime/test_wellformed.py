"""Whatever the message: ENVELOPE and BODYSTRUCTURE are IMAP, and every part is as they say.

Read back by a reader of its own (tests/mime/broken/imapsyntax.py), which shares nothing with the
code that writes them.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.mime.bodystructure import body, bodystructure
from apps.mime.derive import derive
from apps.mime.sections import load_parts, section_range
from apps.mime.tree import Part, scan_tree
from tests.mime.broken.fields import Fields, envelope_fields, structure_fields
from tests.mime.broken.imapsyntax import read_list
from tests.mime.broken.messages import all_messages

LINES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=A",
        b"Content-Type: multipart/digest; boundary=AB",
        b'Content-Type: multipart/alternative; boundary="B "',
        b"Content-Type: multipart/mixed",
        b"Content-Type: message/rfc822",
        b"Content-Type: text/html; charset=\xff; name*0=a; name*2=b",
        b'Content-Type: image/"png',
        b"Content-Type: /; (",
        b'Content-Disposition: attachment; filename="a\\"\0',
        b"Content-Disposition: ;",
        b"Content-Language: en, \x01, (de)",
        b"Content-Transfer-Encoding: base64",
        b"Content-ID: <\xe9>",
        b"Content-Location:  /a",
        b'Content-MD5: \\"',
        b"From: Ann <ann@example.net>, us: (x) b@c;",
        b'To: "unclosed <a@b>, <@x:y@z>, ,',
        b"Cc: <>, @, a@, \xc3\xbc@\xc3\xbc",
        b'Subject: "quoted" \\ {3}',
        b"Subject: =?utf-8?q?x?=",
        b"Date: \tnever ",
        b" folded",
        b"no field",
        b"--A",
        b"--A--",
        b"--AB",
        b"--AB--",
        b"--B ",
        b"--B --",
        b"",
        b"",
        b"x" * 1_100,
        b"\0\r",
    ]
)
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""])
MESSAGES = st.lists(st.tuples(LINES, ENDS).map(b"".join), max_size=40).map(b"".join)


def check(raw: bytes) -> None:
    derived = derive(raw)
    envelope_fields(read_list(derived.envelope))
    root = load_parts(derived.parts)
    check_inside(root, len(raw))
    fields = structure_fields(read_list(derived.bodystructure))
    for name, octets in fields.items():
        if name.endswith(" octets"):
            check_part(raw, root, name.removesuffix(" octets"), octets, fields)
    short = structure_fields(read_list(body(scan_tree(raw, with_envelopes=True))))
    assert short["parts"] == fields["parts"]


def check_inside(root: Part, length: int) -> None:
    """Each part lies inside the one that holds it, behind its neighbour."""
    assert (root.header_start, root.body_end) == (0, length)
    for part in root.walk():
        assert part.header_start <= part.body_start <= part.body_end
        at = part.body_start
        for child in part.children:
            assert at <= child.header_start
            at = child.body_end
        assert at <= part.body_end


def check_part(raw: bytes, root: Part, prefix: str, octets: int, fields: Fields) -> None:
    """What BODY[n] gives is as long as the structure says, in octets and in lines."""
    number = prefix.removeprefix("part").strip() or "1"
    path = [int(digits) for digits in number.split(".")]
    found = section_range(root, path, "")
    assert found is not None, number
    start, end = found
    assert 0 <= start <= end <= len(raw)
    assert end - start == octets
    lines = fields.get(f"{prefix} lines")
    if lines is not None:
        assert lines == raw.count(b"\n", start, end)
    header = section_range(root, path, "MIME")
    assert header is not None
    assert header[1] <= start


@given(MESSAGES)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_it_says_what_is_there(raw: bytes) -> None:
    check(raw)


@given(st.binary(max_size=200))
def test_it_says_what_is_there_in_any_octets(raw: bytes) -> None:
    check(raw)


@pytest.mark.long
@given(MESSAGES)
@settings(max_examples=5_000, suppress_health_check=[HealthCheck.too_slow])
def test_it_says_what_is_there_in_very_many(raw: bytes) -> None:
    check(raw)


def test_it_says_what_is_there_in_every_broken_message() -> None:
    for raw in all_messages().values():
        check(raw)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"()x",
        b"(",
        b"(1 2",
        b"(1  2)",
        b"( 1)",
        b"(1 )",
        b'("a""b")',
        b'("a"("b"))',
        b"(NIL\xff)",
        b'("\xff")',
        b"({2}\r\na)",
        b"({1}\r\n\0)",
        b'("\\a")',
        b'("\r\n")',
        b"(nil)",
    ],
)
def test_its_reader_is_strict(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_list(data)


def test_its_reader_reads() -> None:
    data = b'(NIL 12 "a\\"\\\\" {3}\r\n")( ((1 2)(3)) BODY[1.HEADER.FIELDS (TO)]<0> ("x"))'
    assert read_list(data) == [
        None,
        12,
        'a"\\',
        '")(',
        [[1, 2], [3]],
        "BODY[1.HEADER.FIELDS (TO)]<0>",
        ["x"],
    ]


def test_it_writes_no_multipart_without_a_part() -> None:
    assert structure_fields(
        read_list(bodystructure(scan_tree(b"Content-Type: multipart/x\r\n\r\n")))
    )["parts"] == ["", "1"]
