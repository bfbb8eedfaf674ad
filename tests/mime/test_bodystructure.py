"""BODYSTRUCTURE and BODY, octet by octet: the RFC's examples and Dovecot's answers."""

import pytest

from apps.mime.bodystructure import body, bodystructure
from apps.mime.tree import scan_tree


def message(header: bytes, text: bytes = b"") -> bytes:
    return header + b"\r\n\r\n" + text


def test_it_writes_the_example_of_rfc_3501() -> None:
    # Section 7.4.2: a simple text of 48 lines and 2279 octets, and a two part message.
    text = b"\r\n" * 48 + b"x" * (2_279 - 96)
    raw = message(b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII", text)
    assert body(scan_tree(raw)) == b'("text" "plain" ("CHARSET" "US-ASCII") NIL NIL "7bit" 2279 48)'
    first = b"\r\n" * 23 + b"x" * (1_152 - 46)
    second = b"\r\n" * 73 + b"x" * (4_554 - 146)
    raw = message(
        b"Content-Type: multipart/mixed; boundary=X",
        b"--X\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n"
        + first
        + b"\r\n--X\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME=cc.diff\r\n"
        b"Content-ID: <960723163407.20117h@cac.washington.edu>\r\n"
        b"Content-Description: Compiler diff\r\nContent-Transfer-Encoding: BASE64\r\n\r\n"
        + second
        + b"\r\n--X--\r\n",
    )
    assert body(scan_tree(raw)) == (
        b'(("text" "plain" ("CHARSET" "US-ASCII") NIL NIL "7bit" 1152 23)'
        b'("text" "plain" ("CHARSET" "US-ASCII" "NAME" "cc.diff")'
        b' "<960723163407.20117h@cac.washington.edu>" "Compiler diff" "base64" 4554 73) "mixed")'
    )


EMPTY = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)'


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", EMPTY),
        (
            message(b'Content-Type: application/x; a=1; b="2\\"3"; =z; f = g', b"x"),
            b'("application" "x" ("a" "1" "b" "2\\"3" "" "z" "f" "g") NIL NIL "7bit" 1'
            b" NIL NIL NIL NIL)",
        ),
        (
            message(b"Content-Type: text/html; format=flowed", b"x\r\n"),
            b'("text" "html" ("format" "flowed" "charset" "us-ascii") NIL NIL "7bit" 3 1'
            b" NIL NIL NIL NIL)",
        ),
        (
            message(
                b"Content-Disposition: inline; filename=x\r\nContent-Language: de, en\r\n"
                b"Content-Location: http://x\r\nContent-MD5: abc==\r\nContent-ID: <i@d>\r\n"
                b'Content-Description: a "b"\r\nContent-Transfer-Encoding: Quoted-Printable (x)',
                b"x",
            ),
            b'("text" "plain" ("charset" "us-ascii") "<i@d>" "a \\"b\\"" "quoted-printable" 1 0'
            b' "abc==" ("inline" ("filename" "x")) ("de" "en") "http://x")',
        ),
        (
            message(b"Content-Type: multipart/mixed; boundary=X", b"nothing"),
            b"(" + EMPTY + b' "mixed" ("boundary" "X") NIL NIL NIL)',
        ),
        (
            message(
                b"Content-Type: multipart/mixed; boundary=X",
                b"--X\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n"
                b"Content-Type: text/html; charset=x\r\n\r\nbody\r\nbody\r\n--X--\r\n",
            ),
            b'(("message" "rfc822" NIL NIL NIL "7bit" 61'
            b' (NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL)'
            b' ("text" "html" ("charset" "x") NIL NIL "7bit" 10 1 NIL NIL NIL NIL) 4'
            b' NIL NIL NIL NIL) "mixed" ("boundary" "X") NIL NIL NIL)',
        ),
        (
            message(
                b"Content-Type: multipart/alternative; boundary=X\r\n"
                b"Content-Disposition: inline\r\nContent-Language: en",
                b"--X\r\n\r\n--X\r\nContent-Type: image/gif\r\n\r\n--X--\r\n",
            ),
            b"(" + EMPTY + b'("image" "gif" NIL NIL NIL "7bit" 0 NIL NIL NIL NIL)'
            b' "alternative" ("boundary" "X") ("inline" NIL) ("en") NIL)',
        ),
    ],
)
def test_it_writes_extension_data(raw: bytes, expected: bytes) -> None:
    assert bodystructure(scan_tree(raw, with_envelopes=True)) == expected


def test_it_writes_a_deep_tree_without_recursion() -> None:
    raw = b"".join(
        message(b"Content-Type: multipart/mixed; boundary=b%d" % n, b"--b%d\r\n" % n)
        for n in range(100)
    )
    rendered = bodystructure(scan_tree(raw))
    assert rendered.count(b"(") == rendered.count(b")")
    assert rendered.startswith(b"(" * 51)
