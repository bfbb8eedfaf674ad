"""A look at a hostile message: text, bounded, whatever the octets."""

import base64
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.scan.preview import FILES_MAX, HEADER_MAX, LINKS_MAX, TEXT_MAX, preview
from tests.support.cost import cost

SECONDS = 0.25  # for the worst of them: a page has 0.3


def html(source: str, fields: str = "") -> bytes:
    return f"Subject: x\r\n{fields}Content-Type: text/html; charset=utf-8\r\n\r\n{source}".encode()


def test_plain_text_keeps_its_lines() -> None:
    found = preview(b"Subject: x\r\n\r\nDear Sam,\r\n\r\n\tsee http://far.test/a.\r\n")
    assert found.text == "Dear Sam,\n\n    see http://far.test/a."
    assert [(one.words, one.href, one.lies) for one in found.links] == [
        ("", "http://far.test/a", False)
    ]
    assert found.header == "Subject: x"
    assert (found.is_html, found.is_cut, found.files) == (False, False, ())


def test_html_is_what_its_reader_sees_with_where_it_leads() -> None:
    found = preview(
        html(
            '<p>Go to <a href="http://thief.test/x">www.bank.test</a>'
            ' or <a href="https://bank.test/">bank.test</a> <a href="/x">this. page</a>'
            '<img src="http://spy.test/1.gif"><span style="display:none">lottery</span>'
            "<script>alert(1)</script>"
        )
    )
    assert found.text == "Go to www.bank.test or bank.test this. page"
    assert "lottery" in found.hidden
    assert found.is_html
    assert [(one.words, one.href, one.lies) for one in found.links] == [
        ("www.bank.test", "http://thief.test/x", True),
        ("bank.test", "https://bank.test/", False),
        ("this. page", "/x", False),
    ]


def test_nothing_drives_a_terminal_or_turns_a_line_round() -> None:
    text = "a\x1b[31mb\u202ec\u0000d\u2066e\x07\r\nf\rg"
    found = preview(b"Subject: \x1b]0;x\x07\xe2\x80\xae\r\n\r\n" + text.encode())
    assert found.text == "a?[31mb?c?d?e?\nf\ng"
    assert found.header == "Subject: ?]0;x??"


def test_files_are_named_and_not_opened() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("zeros", b"\0" * 30_000_000)
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
        b'Content-Type: application/zip; name="run\xe2\x80\xaegpj.zip"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(bomb.getvalue())
        + b"\r\n--b--\r\n"
    )
    assert cost(lambda: preview(raw)) < SECONDS
    (file,) = preview(raw).files
    assert file.type == "application/zip"
    assert "\u202e" not in file.name


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("utf-7", b"+ADw-script+AD4-", "<script>"),  # text, which the page escapes
        ("no-such", b"caf\xe9", "caf"),
        ("utf-8", b"\xff\xed\xa0\x80x", "x"),
        ("utf-16", b"h\0i\0", "hi"),
        ("\xe9\0\xff", b"plain", "plain"),
    ],
)
def test_no_charset_breaks_it(charset: str, octets: bytes, text: str) -> None:
    field = f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode("latin-1")
    found = preview(field + octets)
    assert text in found.text
    assert not any("\ud800" <= sign <= "\udfff" for sign in found.text)
    assert "\0" not in found.text


def nested(depth: int) -> bytes:
    heads = b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (at, at)
        for at in range(depth)
    )
    return heads + b"\r\ndeep\r\n"


HOSTILE = {
    "a subject of a megabyte": b"Subject: " + b"W" * 1_000_000 + b"\r\n\r\nx",
    "encoded words of a megabyte": b"Subject: " + b"=?utf-8?q?=41?= " * 66_000 + b"\r\n\r\nx",
    "100,000 fields": b"X: y\r\n" * 100_000 + b"\r\nx",
    "a million lines": b"Subject: x\r\n\r\n" + b"\n" * 1_000_000,
    "parts in parts": nested(5_000),
    "100,000 parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\n\r\nx\r\n" * 90_000,
    "messages in messages": b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
    "tags without an end": html("<a href='" * 100_000),
    "deep tags": html("<div><b><i>" * 60_000),
    "links": html("".join(f'<a href="http://h{at}.test/">x</a>' for at in range(20_000))),
    "loose links": b"Subject: x\r\n\r\n" + b"http://a.test/ " * 60_000,
    "attributes": html("<p " + " ".join(f"a{at}=1" for at in range(100_000)) + ">x"),
    "style sheets": html("<style>" + "p{color:#fff}" * 60_000 + "</style><p>x"),
    "comments": html("<!--" * 200_000),
    "references": html("&#x202e;&#0;&amp;" * 50_000),
    "NULs": b"Subject: x\r\n\r\n" + b"\0" * 1_000_000,
    "direction marks": b"Subject: x\r\n\r\n" + "\u202e\u2066".encode() * 300_000,
    "uuencoded": b"Subject: x\r\n\r\n" + b"begin 644 a\n" * 80_000,
    "base64 of nothing": b"Content-Transfer-Encoding: base64\r\n\r\n" + b"====" * 250_000,
    "quoted signs": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=3D=\r\n" * 200_000,
    "parameters": b"Content-Type: text/plain" + b"; name*0*=utf-8''%41" * 40_000 + b"\r\n\r\nx",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_bounded(name: str) -> None:
    raw = HOSTILE[name]
    found = preview(raw)
    assert len(found.text) <= TEXT_MAX * 4  # tabs become four blanks
    assert len(found.hidden) <= TEXT_MAX * 4
    assert len(found.header) <= HEADER_MAX * 4
    assert len(found.links) <= LINKS_MAX
    assert len(found.files) <= FILES_MAX
    assert cost(lambda: preview(raw), enough=SECONDS) < SECONDS


@given(st.binary(max_size=2_000))
def test_it_reads_anything(raw: bytes) -> None:
    found = preview(raw)
    for text in (found.text, found.header, found.hidden):
        assert all(sign.isprintable() or sign in "\n\u200c\u200d" for sign in text)
