"""ENVELOPE, octet by octet."""

import pytest

from apps.mime.envelope import NO_ENVELOPE, envelope
from apps.mime.headers import scan

# RFC 3501 section 8.
TERRY = (
    b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
    b"From: Terry Gray <gray@cac.washington.edu>\r\n"
    b"Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
    b"To: imap@cac.washington.edu\r\n"
    b"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
    b"Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n"
    b"\r\n"
)
GRAY = b'(("Terry Gray" NIL "gray" "cac.washington.edu"))'


def test_it_writes_the_example_of_rfc_3501() -> None:
    assert envelope(scan(TERRY)) == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" '
        + b" ".join([GRAY, GRAY, GRAY])
        + b' ((NIL NIL "imap" "cac.washington.edu"))'
        b' ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU"))'
        b' NIL NIL "<B27397-0100000@cac.washington.edu>")'
    )


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"", NO_ENVELOPE),
        (b"Subject:\r\n", b'(NIL "" NIL NIL NIL NIL NIL NIL NIL NIL)'),
        (b'Subject: a "b" \\\r\n', b'(NIL "a \\"b\\" \\\\" NIL NIL NIL NIL NIL NIL NIL NIL)'),
        ("Subject: ä\r\n".encode(), b"(NIL {2}\r\n\xc3\xa4 NIL NIL NIL NIL NIL NIL NIL NIL)"),
        (b"Subject: a\r\n\tb\r\n", b"(NIL {3}\r\na\tb NIL NIL NIL NIL NIL NIL NIL NIL)"),
        (
            b"To: g: a@b;, undisclosed:;\r\n",
            b'(NIL NIL NIL NIL NIL ((NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL)'
            b'(NIL NIL "undisclosed" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)',
        ),
        (
            b"To: <@x,@y:a@b>\r\nBcc: joe\r\nCc:\r\n",
            b'(NIL NIL NIL NIL NIL ((NIL "@x,@y" "a" "b")) NIL'
            b' ((NIL NIL "joe" "MISSING_DOMAIN")) NIL NIL)',
        ),
        (
            b"From: a@b\r\nSender: c@d\r\nReply-To:\r\nIn-Reply-To: <x>\r\n",
            b'(NIL NIL ((NIL NIL "a" "b")) ((NIL NIL "c" "d")) ((NIL NIL "a" "b"))'
            b' NIL NIL NIL "<x>" NIL)',
        ),
        (
            b"From: a@b\r\nFrom: c@d\r\nSender:\r\nSubject: 1\r\nSubject: 2\r\n",
            b'(NIL "2" ((NIL NIL "a" "b")(NIL NIL "c" "d")) ((NIL NIL "a" "b")(NIL NIL "c" "d"))'
            b' ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL NIL)',
        ),
        (
            b'To: "" <""@b>, <@b>, c@d.\r\n',
            b'(NIL NIL NIL NIL NIL ((NIL NIL "" "b")(NIL NIL "MISSING_MAILBOX" "b")'
            b'(NIL NIL "c" "d")) NIL NIL NIL NIL)',
        ),
        (b"Subject: \r\n a \r\n", b'(NIL " a " NIL NIL NIL NIL NIL NIL NIL NIL)'),
        (b"Date:  1\r\r\n", b'("1" NIL NIL NIL NIL NIL NIL NIL NIL NIL)'),
    ],
)
def test_it_follows_the_nil_rules(header: bytes, expected: bytes) -> None:
    assert envelope(scan(header + b"\r\n")) == expected
