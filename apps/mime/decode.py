"""Content-Transfer-Encodings to octets, tolerant and linear (RFC 2045 section 6).

Nothing here raises: what is no base64 is skipped, a broken "=" of quoted-printable stays.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING

from apps.mime import charset

if TYPE_CHECKING:
    from apps.mime.tree import Part

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


def text_of(part: Part, raw: bytes, *, limit: int | None = None) -> str:
    """Return the text of a text part: transfer encoding off, charset decoded, lines as sent.

    With `limit`, at most about that many encoded octets from the beginning are decoded.
    """
    end = part.body_end
    is_cut = limit is not None and part.body_start + limit < end
    if is_cut and limit is not None:
        end = part.body_start + limit
    octets = body(raw[part.body_start : end], part.encoding)
    if is_cut:
        octets = whole_characters(octets)
    return charset.decode(octets, part.charset)


def whole_characters(octets: bytes) -> bytes:
    """Return octets without the UTF-8 character a cut left incomplete at the end."""
    for back in range(1, min(4, len(octets)) + 1):
        lead = octets[-back]
        if lead & 0xC0 == 0x80:
            continue
        needed = 4 if lead >= 0xF0 else 3 if lead >= 0xE0 else 2 if lead >= 0xC0 else 1
        return octets[:-back] if needed > back else octets
    return octets
