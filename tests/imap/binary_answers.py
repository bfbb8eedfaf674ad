"""Parts that are encoded in every way, and what is in them by Dovecot 2.3.19 and Cyrus 3.6.1.

Where only one of them answers (Dovecot ends the connection at base64 without its padding, and says
NO to base64 with anything else in it) the answer is that one's. Both leave the line ends inside
base64 as they are. Dovecot sends a literal8 for all that was encoded; RFC 3516 section 4.3 wants a
string where there is no NUL, as Cyrus does. Of a whole message Dovecot makes one without encodings,
Cyrus sends what it is, and so do we; of a part that is not there Dovecot says "", Cyrus NIL.
"""

from typing import Final

HEAD: Final = b"From: a@example.net\r\nSubject: x\r\nMIME-Version: 1.0\r\n"


def encoded(kind: str, encoding: str, body: bytes) -> bytes:
    """A message of one part."""
    fields = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return HEAD + fields.encode() + body


def parted(*parts: bytes, kind: str = "mixed") -> bytes:
    """A multipart."""
    head = f'Content-Type: multipart/{kind}; boundary="{kind}"\r\n\r\n'.encode()
    delimiter = b"--" + kind.encode()
    return (
        head
        + b"".join([delimiter + b"\r\n" + one + b"\r\n" for one in parts])
        + delimiter
        + b"--\r\n"
    )


_TEXT, _DATA = "text/plain", "application/octet-stream"
INNER: Final = parted(b"\r\ninner", kind="alternative")
ENCLOSED: Final = b"Subject: in\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n"
NESTED: Final = HEAD + parted(INNER, b"Content-Type: message/rfc822\r\n\r\n" + ENCLOSED)
LINES: Final = encoded(_TEXT, "base64", b"b25lCnR3bwo=\r\n")
WITH_NUL: Final = encoded(_DATA, "base64", b"YQBi\r\n")

ANSWERS: Final[dict[str, tuple[bytes, dict[str, bytes | None]]]] = {
    "lines in base64": (
        LINES,
        {"1": b"one\ntwo\n", "2": None, "1.1": None, "": LINES},
    ),
    "nul": (
        WITH_NUL,
        {"1": b"a\0b", "1]<0.1>": b"a", "1]<1.2>": b"\0b", "1]<9.9>": b"", "": WITH_NUL},
    ),
    "eight bits": (encoded(_DATA, "base64", b"//4B\r\n"), {"1": b"\xff\xfe\x01"}),
    "foreign characters": (encoded(_DATA, "base64", b"QU!JD\r\nR$A==\r\n"), {"1": b"ABCD"}),
    "no padding": (encoded(_DATA, "base64", b"QUJDRA\r\n"), {"1": b"ABCD"}),
    "one character left": (encoded(_DATA, "base64", b"QUJDR\r\n"), {"1": b"ABC"}),
    "two documents": (encoded(_DATA, "base64", b"QQ==\r\nQg==\r\n"), {"1": b"AB"}),
    "text after padding": (encoded(_DATA, "base64", b"QQ==\r\nhello\r\n"), {"1": b"A\x85\xe9e"}),
    "nothing": (encoded(_DATA, "base64", b""), {"1": b"", "1]<0.5>": b""}),
    "soft line end": (
        encoded(_TEXT, "quoted-printable", b"a=\r\nb=3D \t\r\nc=20\r\n"),
        {"1": b"ab=\r\nc \r\n", "1]<1.3>": b"b=\r"},
    ),
    "lower case": (encoded(_TEXT, "quoted-printable", b"=c3=a9\r\n"), {"1": b"\xc3\xa9\r\n"}),
    "no hexadecimal digits": (
        encoded(_TEXT, "quoted-printable", b"a=ZZ=4\r\nx=\r\n"),
        {"1": b"a=ZZ=4\r\nx"},
    ),
    "blanks behind a soft line end": (
        encoded(_TEXT, "quoted-printable", b"a=  \r\nb\r\n"),
        {"1": b"ab\r\n"},
    ),
    "ends in the middle": (encoded(_TEXT, "quoted-printable", b"a="), {"1": b"a"}),
    "blanks at the end": (encoded(_TEXT, "quoted-printable", b"a   "), {"1": b"a"}),
    "nul in quoted-printable": (
        encoded(_TEXT, "quoted-printable", b"a=00b\r\n"),
        {"1": b"a\0b\r\n"},
    ),
    "line ends in quoted-printable": (
        encoded(_TEXT, "quoted-printable", b"a=0Ab=0D=0Ac\r\n"),
        {"1": b"a\nb\r\nc\r\n"},
    ),
    "seven bits": (
        encoded(_TEXT, "7bit", b"a b \r\n"),
        {"1": b"a b \r\n", "1]<2.9>": b"b \r\n"},
    ),
    "8bit": (encoded(_TEXT, "8bit", b"\xe9\r\n"), {"1": b"\xe9\r\n"}),
    "binary": (encoded(_TEXT, "binary", b"\xe9\r\n"), {"1": b"\xe9\r\n"}),
    "no encoding": (HEAD + b"\r\nhi\r\n", {"1": b"hi\r\n", "": HEAD + b"\r\nhi\r\n"}),
    "comment": (encoded(_DATA, "base64 (well)", b"YWJj\r\n"), {"1": b"abc"}),
    "upper case": (encoded(_DATA, "BASE64", b"YWJj\r\n"), {"1": b"abc"}),
    "no body": (HEAD + b"\r\n", {"1": b"", "": HEAD + b"\r\n"}),
    "parts": (
        NESTED,
        {
            "1": INNER.split(b"\r\n\r\n", 1)[1],
            "1.1": b"inner",
            "2": ENCLOSED[:-2] + b"\r\n",
            "2.1": b"hi",
            "3": None,
            "": NESTED,
        },
    ),
}
"""By name: a message, and what its sections hold; None: NIL. A partial has its bracket in it."""

UNKNOWN: Final = {
    "no such encoding": encoded(_TEXT, "x-foo", b"a\r\n"),
    "uuencode": encoded(_TEXT, "x-uuencode", b"begin 644 x\r\n#86)C\r\n`\r\nend\r\n"),
}
"""Neither of them decodes these."""
