"""The end of a letter's message, read by a parser that is not ours and by ours."""

import email
import email.policy
from email.message import EmailMessage

import pytest

from apps.mime.composing import filename, tail
from apps.mime.composing.tail import Piece
from apps.mime.reading import part_content, read
from apps.mime.tree import scan_tree

TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nSee the files."
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def piece(name: str, kind: str, content: bytes, cid: str = "") -> Piece:
    return Piece(name, kind, lambda: content, cid)


def message(*pieces: Piece, text: bytes = TEXT) -> bytes:
    """A letter with these files."""
    made = tail.build(pieces, "the seed")
    head = b"From: Ann <ann@example.test>\r\nSubject: Files\r\nMIME-Version: 1.0\r\n"
    return head + tail.opening(made, "text/plain") + text + made


def parsed(raw: bytes) -> EmailMessage:
    """By the standard library, without a complaint."""
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    for part in found.walk():
        assert not part.defects, part.defects
        for name, value in part.items():
            assert not value.defects, (name, value.defects)
    return found


def kinds(raw: bytes) -> list[str]:
    return [part.get_content_type() for part in parsed(raw).walk()]


def test_without_files_there_is_no_tail() -> None:
    assert tail.build([], "x") == b""
    assert tail.opening(b"") == b""
    assert kinds(message()) == ["text/plain"]


def test_files_are_attached_behind_the_text() -> None:
    raw = message(
        piece("a.pdf", "application/pdf", b"%PDF-1.7"), piece("b.txt", "text/plain", b"b")
    )
    assert kinds(raw) == ["multipart/mixed", "text/plain", "application/pdf", "text/plain"]
    files = list(parsed(raw).iter_attachments())
    assert [one.get_filename() for one in files] == ["a.pdf", "b.txt"]
    assert files[0].get_content() == b"%PDF-1.7"
    assert parsed(raw).get_body() is not None


def test_pictures_stand_with_the_text_and_files_behind_both() -> None:
    raw = message(
        piece("p.png", "image/png", PNG, "p@x"), piece("a.pdf", "application/pdf", b"%PDF")
    )
    assert kinds(raw) == [
        "multipart/mixed",
        "multipart/related",
        "text/plain",
        "image/png",
        "application/pdf",
    ]
    related = parsed(raw).get_payload(0)
    assert isinstance(related, EmailMessage)
    assert related.get_param("type") == "text/plain"
    assert read(raw).inline == {"p@x": 3}
    found = part_content(raw, 3)
    assert found is not None
    assert found[1] == PNG


def test_pictures_alone_need_one_multipart() -> None:
    raw = message(piece("p.png", "image/png", PNG, "p@x"))
    assert kinds(raw) == ["multipart/related", "text/plain", "image/png"]


def test_a_text_ends_where_the_delimiter_begins() -> None:
    raw = message(piece("a", "application/pdf", b"x"), text=TEXT + b"\r\n\r\n")
    assert parsed(raw).get_payload(0).get_payload() == "See the files.\r\n\r\n"  # type: ignore[union-attr]  # a part


def test_a_message_goes_as_it_is() -> None:
    inside = "From: b@example.test\r\nSubject: hello\r\n\r\nGrüße\r\n".encode()
    raw = message(piece("hello.eml", "message/rfc822", inside))
    assert kinds(raw) == ["multipart/mixed", "text/plain", "message/rfc822", "text/plain"]
    assert b"Content-Transfer-Encoding: 8bit\r\n\r\n--" in raw  # the one around it says so too
    assert inside in raw
    part = scan_tree(raw).walk()[2]
    assert raw[part.body_start : part.body_end] == inside


@pytest.mark.parametrize(
    "inside",
    [
        b"Subject: a\r\n\r\nnul \x00\r\n",
        b"Subject: a\n\nbare\n",
        b"Subject: a\r\n\r\nbare\rCR\r\n",
        b"Subject: a\r\n\r\n" + b"x" * 999 + b"\r\n",
    ],
)
def test_a_message_that_is_no_text_goes_as_mere_octets(inside: bytes) -> None:
    raw = message(piece("odd.eml", "message/rfc822", inside))
    assert kinds(raw)[2] == "application/octet-stream"
    (file,) = parsed(raw).iter_attachments()
    assert file.get_content() == inside
    assert file.get_filename() == "odd.eml"


def test_a_message_cannot_close_the_one_around_it() -> None:
    """It would have to know its delimiters, which come of ids that are made after it."""
    inner = message(piece("a", "application/pdf", b"x"))
    made = tail.build([piece("in.eml", "message/rfc822", inner)], "another seed")
    raw = b"MIME-Version: 1.0\r\n" + tail.opening(made) + TEXT + made
    assert [part.get_content_type() for part in parsed(raw).iter_attachments()] == [
        "message/rfc822"
    ]


NAMES = [
    "plain.pdf",
    "with space.pdf",
    'q"uo\\te.txt',
    "Grüße aus Köln.pdf",
    "見積書.xlsx",
    "a'b%41*c.txt",
    "😀.png",
    "é" * 190 + ".docx",
    "=?utf-8?Q?..=2Fetc=2Fpasswd?=",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_arrive_as_they_were(name: str) -> None:
    raw = message(piece(name, "application/pdf", b"x"))
    (file,) = parsed(raw).iter_attachments()
    assert file.get_filename() == name
    assert [one.name for one in read(raw).files] == [filename.normal(name)]
    assert max(map(len, raw.split(b"\r\n"))) <= 78


HOSTILE = [
    ("a\r\nBcc: x@evil.test", "aBcc: x@evil.test"),
    ("a\rb\nc\x00d.txt", "abcd.txt"),
    ("../../etc/passwd", "passwd"),
    ("C:\\Windows\\evil.exe", "evil.exe"),
    ("invoice\u202egpj.exe", "invoicegpj.exe"),
    ("a\u200bb.txt", "ab.txt"),
    ("..", "file"),
    ("", "file"),
    ("\ud800.txt", "?.txt"),
    ('a"; filename="b.exe', 'a"; filename="b.exe'),
    ("x" * 5000 + ".pdf", "x" * 196 + ".pdf"),
    ("x" * 5000, "x" * 200),
    ("\x85a\u2028b\x7f", "ab"),
]


@pytest.mark.parametrize(("name", "kept"), HOSTILE)
def test_hostile_names_are_one_name(name: str, kept: str) -> None:
    assert filename.normal(name) == kept
    raw = message(piece(filename.normal(name), "application/pdf", b"x"))
    assert "bcc" not in parsed(raw)
    (file,) = parsed(raw).iter_attachments()
    assert file.get_filename() == kept


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("application/pdf", "application/pdf"),
        ("Text/HTML; charset=x", "text/html"),
        ("text/plain\r\nX-Evil: 1", filename.UNKNOWN),
        ("image/png\x00", filename.UNKNOWN),
        ("multipart/mixed", filename.UNKNOWN),
        ("message/partial", filename.UNKNOWN),
        ("message/rfc822", "message/rfc822"),
        ("", filename.UNKNOWN),
        ("pdf", filename.UNKNOWN),
        ("a/" + "b" * 200, filename.UNKNOWN),
        ("téxt/plain", filename.UNKNOWN),
    ],
)
def test_hostile_types_are_none(said: str, kept: str) -> None:
    assert filename.normal_type(said) == kept


@pytest.mark.parametrize("size", [0, 1, 2, 3, 56, 57, 58, 114, 1000, 100_001])
def test_how_much_a_file_takes_is_known_before_it_comes(size: int) -> None:
    body = tail.base64(bytes(size))
    assert len(body) <= tail.encoded_size(size) <= len(body) + 4
    name = "\U0001f600" * filename.LONGEST
    made = tail.build([piece(name, "application/pdf", bytes(size))], "x")
    assert len(made) <= tail.encoded_size(size) + tail.MOST_OVERHEAD


def test_texts_say_their_charset() -> None:
    raw = message(
        piece("a.txt", "text/plain", "Grüße".encode()),
        piece("b.txt", "text/plain", b"plain"),
        piece("c.txt", "text/plain", b"\xff\xfe"),
    )
    said = [part.get_content_charset() for part in parsed(raw).iter_attachments()]
    assert said == ["utf-8", "us-ascii", None]
