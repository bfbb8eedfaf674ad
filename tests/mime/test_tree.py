"""The part tree. What Dovecot 2.3 answers for the same octets is the expectation of every case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.tree import DEPTH_MAX, PARTS_MAX, STRING_MAX, STRINGS_MAX, Part, scan_tree


def multipart(boundary: bytes, subtype: bytes = b"mixed") -> bytes:
    return b'Content-Type: multipart/%b; boundary="%b"\r\n' % (subtype, boundary)


def outline(part: Part, raw: bytes) -> object:
    """Return a tree as nested tuples: (type, [children]) or (type, body)."""
    if part.children:
        return (part.mime_type, [outline(child, raw) for child in part.children])
    return (part.mime_type, raw[part.body_start : part.body_end])


TEXT = "text/plain"

CASES = [
    ("empty", b"", (TEXT, b"")),
    ("empty line", b"\r\n", (TEXT, b"")),
    ("no header", b"\r\nbody\r\n", (TEXT, b"body\r\n")),
    ("no empty line", b"Subject: x", (TEXT, b"")),
    (
        "two parts",
        multipart(b"X") + b"\r\npre\r\n--X\r\n\r\na\r\n--X\r\nContent-Type: text/html\r\n\r\nb\r\n"
        b"--X--\r\nepilogue\r\n",
        ("multipart/mixed", [(TEXT, b"a"), ("text/html", b"b")]),
    ),
    (
        "bare line feeds",
        (multipart(b"X") + b"\r\n--X\r\n\r\na\r\n--X--\r\n").replace(b"\r\n", b"\n"),
        ("multipart/mixed", [(TEXT, b"a")]),
    ),
    (
        "not closed",
        multipart(b"X") + b"\r\n--X\r\n\r\na\r\n",
        ("multipart/mixed", [(TEXT, b"a\r\n")]),
    ),
    ("no parts", multipart(b"X") + b"\r\ntext\r\n", ("multipart/mixed", b"text\r\n")),
    ("closed at once", multipart(b"X") + b"\r\n--X--\r\n", ("multipart/mixed", b"--X--\r\n")),
    (
        "no boundary",
        b"Content-Type: multipart/mixed\r\n\r\n--X\r\n",
        ("multipart/mixed", b"--X\r\n"),
    ),
    (
        "inner boundary is longer",
        multipart(b"X")
        + b"\r\n--X\r\n"
        + multipart(b"XY", b"alternative")
        + b"\r\n--XY\r\n\r\na\r\n--XY\r\n\r\nb\r\n--XY--\r\n--X\r\n\r\nc\r\n--X--\r\n",
        (
            "multipart/mixed",
            [("multipart/alternative", [(TEXT, b"a"), (TEXT, b"b")]), (TEXT, b"c")],
        ),
    ),
    (
        "outer boundary is longer",
        multipart(b"XY")
        + b"\r\n--XY\r\n"
        + multipart(b"X", b"alternative")
        + b"\r\n--X\r\n\r\na\r\n--X\r\n\r\nb\r\n--X--\r\n--XY\r\n\r\nc\r\n--XY--\r\n",
        (
            "multipart/mixed",
            [("multipart/alternative", [(TEXT, b"a"), (TEXT, b"b")]), (TEXT, b"c")],
        ),
    ),
    (
        "the same boundary twice",
        multipart(b"X")
        + b"\r\n--X\r\n"
        + multipart(b"X", b"alternative")
        + b"\r\n--X\r\n\r\na\r\n--X--\r\n--X\r\n\r\nc\r\n--X--\r\n",
        ("multipart/mixed", [("multipart/alternative", [(TEXT, b"a")]), (TEXT, b"c")]),
    ),
    (
        "outer delimiter ends the inner multipart",
        multipart(b"X")
        + b"\r\n--X\r\n"
        + multipart(b"Y")
        + b"\r\n--Y\r\n\r\na\r\n--X\r\n\r\nc\r\n--Y\r\n--X--\r\n",
        ("multipart/mixed", [("multipart/mixed", [(TEXT, b"a")]), (TEXT, b"c\r\n--Y")]),
    ),
    (
        "white space and more behind the boundary",
        multipart(b"X") + b"\r\n--X \t\r\n\r\na\r\n--Xfoo\r\n\r\nb\r\n--X--bar\r\n--X\r\n",
        ("multipart/mixed", [(TEXT, b"a"), (TEXT, b"b")]),
    ),
    (
        "white space at the end of the boundary parameter",
        multipart(b"X ") + b"\r\n--X\r\n\r\na\r\n--X \r\n\r\nb\r\n--X --\r\n",
        ("multipart/mixed", [(TEXT, b"b")]),
    ),
    (
        "parts that are header only",
        multipart(b"X") + b"\r\n--X\r\nContent-Type: text/html\r\n--X\r\n--X\r\n\r\n--X--\r\n",
        ("multipart/mixed", [("text/html", b""), (TEXT, b""), (TEXT, b"")]),
    ),
    (
        "delimiter inside the header is no delimiter",
        multipart(b"X") + b"--X\r\n\r\na\r\n--X--\r\n",
        ("multipart/mixed", b"a\r\n--X--\r\n"),
    ),
    (
        "delimiter without line end at the end",
        multipart(b"X") + b"\r\n--X\r\n\r\na\r\n--X",
        ("multipart/mixed", [(TEXT, b"a")]),
    ),
    (
        "empty lines belong to the part",
        multipart(b"X") + b"\r\n\r\n--X\r\n\r\n\r\na\r\n\r\n--X--\r\n",
        ("multipart/mixed", [(TEXT, b"\r\na\r\n")]),
    ),
    (
        "digest",
        multipart(b"X", b"digest")
        + b"\r\n--X\r\n\r\nSubject: in\r\n\r\na\r\n--X\r\nContent-Type: text/plain\r\n"
        b"\r\nb\r\n--X--",
        ("multipart/digest", [("message/rfc822", [(TEXT, b"a")]), (TEXT, b"b")]),
    ),
    (
        "message in message in multipart",
        multipart(b"X")
        + b"\r\n--X\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n"
        b"Subject: x\r\n\r\na\r\n--X\r\n\r\nb\r\n--X--\r\n",
        (
            "multipart/mixed",
            [("message/rfc822", [("message/rfc822", [(TEXT, b"a")])]), (TEXT, b"b")],
        ),
    ),
    (
        "message that is empty",
        multipart(b"X") + b"\r\n--X\r\nContent-Type: message/rfc822\r\n\r\n--X--\r\n",
        ("multipart/mixed", [("message/rfc822", [(TEXT, b"")])]),
    ),
    ("no slash", b"Content-Type: text\r\n\r\na", (TEXT, b"a")),
    ("spaces around the slash", b"Content-Type: Text / HTML\r\n\r\na", ("text/html", b"a")),
    ("type of two lines", b"Content-Type:\r\n text/html\r\n\r\na", ("text/html", b"a")),
]


@pytest.mark.parametrize(
    ("raw", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_it_finds_the_parts(raw: bytes, expected: object) -> None:
    assert outline(scan_tree(raw), raw) == expected


def test_it_keeps_offsets_into_the_message() -> None:
    raw = multipart(b"X") + b"\r\n--X\r\nContent-Type: text/html\r\n\r\n<b>\r\nx\r\n--X--\r\n"
    root = scan_tree(raw)
    (part,) = root.children
    assert raw[part.header_start : part.body_start] == b"Content-Type: text/html\r\n\r\n"
    assert raw[part.body_start : part.body_end] == b"<b>\r\nx"
    assert (part.size, part.lines) == (6, 1)
    assert raw[root.body_start : root.body_end] == raw[raw.index(b"--X") :]


def test_it_reads_content_fields() -> None:
    part = scan_tree(
        b'Content-Type: Image/PNG; Name="a.png"\r\nContent-Transfer-Encoding: BASE64 (x)\r\n'
        b"Content-ID: <i@d>\r\nContent-Description: d\r\nContent-MD5: m==\r\n"
        b"Content-Disposition: INLINE; filename*=utf-8''%E2%82%AC.png\r\n"
        b"Content-Language: de, en-GB\r\nContent-Location: http://x/\r\n\r\n"
    )
    assert (part.type, part.subtype, part.encoding) == (b"image", b"png", b"base64")
    assert part.params == ((b"Name", b"a.png"),)
    assert (part.id, part.description, part.md5) == (b"<i@d>", b"d", b"m==")
    assert (part.disposition, part.filename) == (b"inline", "€.png")
    assert (part.languages, part.location) == ((b"de", b"en-GB"), b"http://x/")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"", False),
        (b"Content-Type: text/html", False),
        (b"Content-Disposition: attachment", True),
        (b"Content-Type: text/csv; name=a.csv", True),
        (b"Content-Type: application/pdf", True),
        (b"Content-Type: image/png", True),
        (b"Content-Type: image/png\r\nContent-ID: <x>", False),
        (b"Content-Type: image/png\r\nContent-ID: <x>\r\nContent-Disposition: attachment", True),
        (b"Content-Type: application/pgp-signature; name=signature.asc", False),
        (b"Content-Type: message/rfc822", True),
        (b"Content-Type: message/delivery-status", False),
        (b'Content-Type: multipart/mixed; boundary="X"', False),
    ],
)
def test_it_knows_attachments(header: bytes, expected: bool) -> None:
    assert scan_tree(header + b"\r\n\r\nx").is_attachment is expected


def test_it_stops_at_many_parts() -> None:
    raw = multipart(b"X") + b"\r\n" + b"--X\r\n\r\na\r\n" * 100_000 + b"--X--\r\n"
    root = scan_tree(raw)
    assert len(root.walk()) == PARTS_MAX
    assert all(part.size == 1 for part in root.children)
    assert root.body_end == len(raw)


def test_it_stops_at_deep_nesting() -> None:
    raw = b"".join(multipart(b"b%05d" % n) + b"\r\n--b%05d\r\n" % n for n in range(10_000))
    parts = scan_tree(raw).walk()
    assert len(parts) == DEPTH_MAX + 1
    assert parts[-1].mime_type == "application/octet-stream"
    assert parts[-1].body_end == len(raw)


def test_it_stops_at_messages_in_messages() -> None:
    parts = scan_tree(b"Content-Type: message/rfc822\r\n\r\n" * 10_000).walk()
    assert len(parts) == DEPTH_MAX + 1
    assert parts[-1].mime_type == "application/octet-stream"


def test_it_bounds_what_strings_it_keeps() -> None:
    part = (
        b"--X\r\nContent-Type: a/b; c="
        + b"x" * 1_900
        + b"\r\nContent-ID: "
        + b"y" * 5_000
        + b"\r\n\r\n\r\n"
    )
    parts = scan_tree(multipart(b"X") + b"\r\n" + part * 900).walk()
    assert len(parts) == 901
    assert parts[1].id is not None
    assert len(parts[1].id) == STRING_MAX
    kept = sum(len(value) for part in parts for _, value in part.params)
    assert STRINGS_MAX // 4 < kept <= STRINGS_MAX
    assert parts[-1].params == ()


PIECES = st.sampled_from(
    [
        multipart(b"A"),
        multipart(b"AB"),
        multipart(b"B", b"digest"),
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: text/html\r\n",
        b"--A\r\n",
        b"--AB\r\n",
        b"--B\n",
        b"--A--\r\n",
        b"--B--\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"text\r\n",
        b" ",
    ]
)


@given(st.lists(PIECES, max_size=30).map(b"".join) | st.binary(max_size=100))
def test_it_reads_anything(raw: bytes) -> None:
    root = scan_tree(raw, with_envelopes=True)
    assert (root.header_start, root.body_end) == (0, len(raw))
    for part in root.walk():
        assert 0 <= part.header_start <= part.body_start <= part.body_end <= len(raw)
        at = part.body_start
        for child in part.children:
            assert at <= child.header_start
            assert child.body_end <= max(part.body_end, child.body_start)
            at = child.body_start
        if part.is_message:
            assert part.envelope is not None


def test_it_reads_envelopes_of_enclosed_messages_if_asked() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\nSubject: inside\r\n\r\nx"
    assert scan_tree(raw).envelope is None
    assert b'"inside"' in (scan_tree(raw, with_envelopes=True).envelope or b"")
