"""Header fields in UTF-8 made ASCII."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.mime.derive import derive
from apps.mime.headers import decode_text, scan
from apps.mime.parameters import parse_parameters
from apps.mime.surrogate import slices, surrogate_edits


def surrogate(raw: bytes) -> bytes:
    """The message with its edits made."""
    pieces, at = [], 0
    for edit in surrogate_edits(slices(raw), len(raw), derive(raw).parts):
        assert at <= edit.start <= edit.end
        pieces += [raw[at : edit.start], edit.text]
        at = edit.end
    return b"".join([*pieces, raw[at:]])


def lines_size(raw: bytes) -> int:
    """Octets with CRLF at the end of every line."""
    unended = 2 if raw and not raw.endswith(b"\n") else 0
    return len(raw) + raw.count(b"\n") - raw.count(b"\r\n") + unended


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("Subject: Grüße", "Subject: =?utf-8?B?R3LDvMOfZQ==?="),
        ("SUBJECT:\tGrü\r\n ße", "SUBJECT: =?utf-8?B?R3LDvCDDn2U=?="),
        ("From: Pelé <p@example.com>", "From: =?utf-8?B?UGVsw6k=?= <p@example.com>"),
        ('To: "A, ü" <a@b.c>, d@e.f', "To: =?utf-8?B?QSwgw7w=?= <a@b.c>,\r\n d@e.f"),
        ("Cc: j@bücher.example", "Cc: j@xn--bcher-kva.example"),
        ("From: ü@example.com", "From: =?utf-8?B?w7xAZXhhbXBsZS5jb20=?= :;"),
        ("Reply-To: Us: ü <a@b.c>;", "Reply-To: =?utf-8?B?w7w=?= <a@b.c>"),
        ("Message-ID: <ü@x>", "Downgraded-Message-ID: =?utf-8?B?PMO8QHg+?="),
        (
            'Content-Disposition: attachment; filename="ü.pdf"',
            "Content-Disposition: attachment;\r\n filename*=utf-8''%C3%BC.pdf",
        ),
        (
            'Content-Type: text/plain; charset=utf-8; name="ü"',
            "Content-Type: text/plain;\r\n charset=\"utf-8\";\r\n name*=utf-8''%C3%BC",
        ),
        ("X-Note: =?utf-8?Q?=C3=A4?= ö", "X-Note: =?utf-8?B?w6Qgw7Y=?="),
    ],
)
def test_it_writes_a_field_in_ascii(field: str, expected: str) -> None:
    raw = f"{field}\r\n\r\nGrüße\r\n".encode()
    assert surrogate(raw).decode() == f"{expected}\r\n\r\nGrüße\r\n"


def test_it_leaves_ascii_and_what_is_not_utf_8_alone() -> None:
    raw = b"Subject: plain\r\nTo: f\xfcr@example.com\r\nno field \xc3\xbc\r\n\r\n\xff\r\n"
    assert surrogate(raw) == raw


def test_it_goes_into_parts_and_messages_inside() -> None:
    raw = (
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: attachment; filename="ä"\r\n\r\nä\r\n'
        "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: ö\r\n\r\nö\r\n--b--\r\n"
    ).encode()
    made = surrogate(raw).decode()
    assert "filename*=utf-8''%C3%A4\r\n\r\nä\r\n" in made
    assert "Subject: =?utf-8?B?w7Y=?=\r\n\r\nö\r\n" in made


def test_it_says_a_long_file_name_in_sections() -> None:
    name = "Übersicht über äußerst große Prüfungen.pdf"
    field = f'Content-Disposition: attachment; filename="{name}"'
    made = surrogate(f"{field}\r\n\r\n".encode())
    assert max(map(len, made.split(b"\r\n"))) < 90
    value = scan(made).first(b"content-disposition")
    assert value is not None
    assert parse_parameters(value)[1]["filename"] == name


@given(st.text(alphabet=st.characters(exclude_categories=["C"]), max_size=300))
def test_it_keeps_the_text(text: str) -> None:
    made = surrogate(f"Subject: {text}\r\n\r\n".encode())
    value = scan(made).first(b"subject")
    assert value is not None
    assert made.isascii()
    assert decode_text(value) == decode_text(text.encode())


NAMES = [
    b"From",
    b"To",
    b"Subject",
    b"Content-Type",
    b"Content-Disposition",
    b"Message-ID",
    b"X" * 70,
]


@example([b"From: ", b"\n", b"X" * 70 + b": ", "ü".encode()])
@given(
    st.lists(
        st.one_of(
            st.sampled_from([b"\n", b"\r\n", b"\r\n "]),
            st.sampled_from([name + b": " for name in NAMES]),
            st.sampled_from(
                ["ü".encode(), b"\xff", b"a@b", b"<", b">", b";", b'"', b"*0*=", b":", b","]
            ),
            st.binary(max_size=4),
        ),
        max_size=25,
    )
)
def test_it_counts_what_it_makes(words: list[bytes]) -> None:
    raw = b"".join(words)
    edits = surrogate_edits(slices(raw), len(raw), derive(raw).parts)
    made = surrogate(raw)
    assert lines_size(made) == lines_size(raw) + sum(edit.growth for edit in edits)
    assert all(edit.text.isascii() for edit in edits)
