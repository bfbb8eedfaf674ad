"""Mailbox names on the wire, strictly: modified UTF-7 (RFC 3501 section 5.1.3), or UTF-8 for a
client that has enabled it (RFC 6855 section 3, RFC 9051 section 5.1).

One name has one spelling: what `decode_name` takes, `encode_name` gives back octet for octet. So no
two spellings can name one mailbox, and no check can be walked around by another spelling. In UTF-8
an ampersand is an ampersand, and what is modified UTF-7 elsewhere is the text it looks like.
"""

from __future__ import annotations

import binascii
import re

_PIECES = re.compile(rb"&([A-Za-z0-9+,]*)-|([\x20-\x25\x27-\x7e]+)")
# RFC 6855 section 3; a new line in a name could make two lines of an answer.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_RUNS = re.compile(r"([\x20-\x25\x27-\x7e]+)|(&)|([^\x20-\x7e]+)")


class MailboxNameError(ValueError):
    """The octets are no mailbox name in modified UTF-7, or none in UTF-8."""


def read_name(raw: bytes, *, utf8: bool) -> str:
    """Return the name as text, as a client writes it that has enabled UTF-8 or has not.

    Raises:
        MailboxNameError: it is not in this encoding; in UTF-8 a control among it, too.
    """
    if not utf8:
        return decode_name(raw)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MailboxNameError from None
    if _CONTROLS.search(text) is not None:
        raise MailboxNameError
    return text


def decode_name(raw: bytes) -> str:
    """Return the name as text.

    Raises:
        MailboxNameError: 8-bit octets, controls, bad base64, a half surrogate, or a spelling that
            is not the one `encode_name` makes.
    """
    texts: list[str] = []
    position = 0
    while position < len(raw):
        found = _PIECES.match(raw, position)
        if found is None:
            raise MailboxNameError
        texts.append(_piece(found))
        position = found.end()
    text = "".join(texts)
    if encode_name(text) != raw:
        raise MailboxNameError
    return text


def _piece(found: re.Match[bytes]) -> str:
    if found[2] is not None:
        return found[2].decode("ascii")
    if not found[1]:
        return "&"
    encoded = found[1].replace(b",", b"/")
    try:
        octets = binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4))
        return octets.decode("utf-16-be")
    except ValueError:  # binascii.Error and UnicodeDecodeError both are
        raise MailboxNameError from None


def encode_name(text: str) -> bytes:
    """Return text in modified UTF-7; lone surrogates cannot be and are refused."""
    parts: list[bytes] = []
    for plain, ampersand, other in _RUNS.findall(text):
        if plain:
            parts.append(plain.encode("ascii"))
        elif ampersand:
            parts.append(b"&-")
        else:
            parts.append(b"&%b-" % _base64(other))
    return b"".join(parts)


def _base64(text: str) -> bytes:
    try:
        octets = text.encode("utf-16-be")
    except UnicodeEncodeError:
        raise MailboxNameError from None
    return binascii.b2a_base64(octets, newline=False).rstrip(b"=").replace(b"/", b",")
