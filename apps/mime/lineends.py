"""Line ends of a message that came from a client's disk.

Mail on the wire has CRLF (RFC 5322 section 2.3), and every size and offset that IMAP and POP3 tell
counts it. SMTP refuses anything else; a message that APPEND brings may have been a Unix file.
"""

from __future__ import annotations

import re

_BARE_LF = re.compile(rb"(?<!\r)\n")


def with_crlf(raw: bytes) -> bytes:
    """Return the message with CRLF for every bare LF; a bare CR ends no line and stays."""
    if raw.count(b"\n") == raw.count(b"\r\n"):
        return raw
    return _BARE_LF.sub(b"\r\n", raw)
