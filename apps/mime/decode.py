"""Content-Transfer-Encodings to octets, tolerant and linear (RFC 2045 section 6).

Nothing here raises: what is no base64 is skipped, a broken "=" of quoted-printable stays.
"""

from __future__ import annotations

import binascii
import re

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def base64(raw: bytes) -> bytes:
    """Return the octets of base64 text; foreign characters and wrong padding are skipped.

    Text after padding is decoded too: senders concatenate whole base64 documents.
    """
    try:
        # The quick way for nearly all: line ends are skipped by binascii itself.
        if raw.find(b"=", 0, -4) < 0:
            return binascii.a2b_base64(raw)
    except binascii.Error:
        pass
    pieces = []
    for piece in re.split(rb"=+", raw):
        data = _NOT_BASE64.sub(b"", piece)
        if len(data) % 4 == 1:
            data = data[:-1]
        pieces.append(binascii.a2b_base64(data + b"=" * (-len(data) % 4)))
    return b"".join(pieces)


def quoted_printable(raw: bytes) -> bytes:
    """Return the octets of quoted-printable text; line ends stay as they are."""
    return binascii.a2b_qp(raw)


def body(raw: bytes, encoding: bytes) -> bytes:
    """Return a body freed of its Content-Transfer-Encoding (lower case); unknown ones: as is."""
    if encoding == b"base64":
        return base64(raw)
    if encoding == b"quoted-printable":
        return quoted_printable(raw)
    return raw
