"""Content-Transfer-Encodings to octets, tolerant and linear (RFC 2045 section 6).

Nothing here raises: what is no base64 is skipped, a broken "=" of quoted-printable stays. Whole
bodies at once (`body`), or piece by piece in bounded memory (`stepwise`).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from apps.mime import charset

if TYPE_CHECKING:
    from apps.mime.tree import Part

IDENTITIES: Final = frozenset((b"7bit", b"8bit", b"binary"))
"""Encodings that change nothing (RFC 2045 section 6.2)."""
KNOWN: Final = IDENTITIES | {b"base64", b"quoted-printable"}

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_FOREIGN = re.compile(rb"[^A-Za-z0-9+/=]+")
_PADDING = re.compile(rb"=+")
_BLANKS = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")
_LINE_MAX = 64 * 1024  # Octets of one quoted-printable line that wait for its end.


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


def stepwise(pieces: Iterable[bytes], encoding: bytes) -> Iterator[bytes]:
    """Yield a body freed of its encoding (one of `KNOWN`), in pieces, holding about one at a time.

    Unlike `body`, white space at the end of a quoted-printable line goes, as RFC 2045 section 6.7
    (3) demands: it was added on the way.
    """
    if encoding == b"base64":
        return _base64_pieces(pieces)
    if encoding == b"quoted-printable":
        return _quoted_pieces(pieces)
    return iter(pieces)


def _base64_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""  # of a group of four
    for piece in pieces:
        *ended, rest = _PADDING.split(rest + _FOREIGN.sub(b"", piece))
        whole = len(rest) & ~3
        ended.append(rest[:whole])
        rest = rest[whole:]
        yield b"".join(map(_group_end, ended))
    yield _group_end(rest)


def _group_end(data: bytes) -> bytes:
    """Decode what stands before padding: a single character left over says nothing."""
    if len(data) % 4 == 1:
        data = data[:-1]
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))


def _quoted_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""  # of a line
    for piece in pieces:
        rest += piece
        end = rest.rfind(b"\n") + 1
        if not end and len(rest) > _LINE_MAX:  # no such line is legal: cut, not within "=41"
            equals = rest.rfind(b"=", len(rest) - 2)
            end = equals if equals >= 0 else len(rest)
        yield quoted_printable(_BLANKS.sub(b"", rest[:end]))
        rest = rest[end:]
    yield quoted_printable(rest.rstrip(b" \t"))


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
