"""End-of-data look-alikes of the SMTP smuggling attacks.

The first nine are the sequences of The-Login/SMTP-Smuggling-Tools (MIT licence); the others are
what else has been mistaken for a line end.
"""

LOOK_ALIKES = (
    b"\n.\n",
    b"\n.\r",
    b"\r.\n",
    b"\r.\r",
    b"\n.\r\n",
    b"\r.\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\r\r\n",
    b"\r\r\n.\r\r\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\x0b.\x0b",
    b"\r\n.\x0b\r\n",
    b"\x0c.\x0c",
    b"\xc2\x85.\xc2\x85",
    b"\xe2\x80\xa8.\xe2\x80\xa8",
    b"\r\n \r\n.\0\r\n",
    b"\r\n. \r\n",
)


def has_bare_newline(raw: bytes) -> bool:
    """Whether a CR or LF stands outside a CRLF (RFC 5321 section 2.3.8)."""
    rest = raw.replace(b"\r\n", b"")
    return b"\r" in rest or b"\n" in rest
