"""Octets as IMAP strings (RFC 3501 section 4.3): the one place that quotes.

`imap_string` promises a quoted string when that is safe and short, else a literal. NUL, which
neither form may carry, goes out as 0x80, as Dovecot sends it.
"""

from __future__ import annotations

import re

QUOTED_MAX = 1_000
"""Octets that may stand in a quoted string: longer ones go as literals, which no client scans."""

_UNSAFE = re.compile(rb"[\x00-\x1f\x7f-\xff]")
_CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")
_ESCAPED = re.compile(rb'["\\]')


def imap_string(raw: bytes) -> bytes:
    """Return `raw` as an IMAP string."""
    if len(raw) > QUOTED_MAX or _UNSAFE.search(raw) is not None:
        raw = raw.replace(b"\0", b"\x80")
        return b"{%d}\r\n%b" % (len(raw), raw)
    if b'"' in raw or b"\\" in raw:
        raw = _ESCAPED.sub(rb"\\\g<0>", raw)
    return b'"%b"' % raw


def imap_text(text: str) -> bytes:
    """Return text as an IMAP string in UTF-8, quoted if that is safe and short: for a client that
    has enabled it (RFC 6855 section 3)."""
    raw = text.encode("utf-8")
    if len(raw) > QUOTED_MAX or _CONTROLS.search(raw) is not None:
        return imap_string(raw)
    return b'"%b"' % _ESCAPED.sub(rb"\\\g<0>", raw)


def imap_nstring(raw: bytes | None) -> bytes:
    """Return `raw` as an IMAP string, None as NIL."""
    return b"NIL" if raw is None else imap_string(raw)
