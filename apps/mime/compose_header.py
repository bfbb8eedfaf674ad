"""Header fields written safely (RFC 5322 section 2.2.3, RFC 2047).

`fold` promises exactly one field for any value: line ends, NUL and other controls cannot survive,
lines stay within 78 columns where the text allows it and within 998 octets always, text outside
ASCII becomes encoded words unless the message may be UTF-8 (RFC 6532). Clocks and randomness are
the caller's.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from datetime import datetime

from apps.mime.address import Address
from apps.mime.dates import format_date
from apps.mime.headers import clean

LINE = 78  # Columns wished for; RFC 5322 section 2.1.1.
LINE_MAX = 998  # Octets allowed.

_NAME = re.compile(r"[!-9;-~]{1,76}")
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_TO_QUOTE = re.compile(r'["\\]')
# Nothing to fold at: encoded words can be cut anywhere. 200 characters are 800 octets at most.
_ENDLESS = re.compile(r"\S{200}|\s{200}")
_WORD_OCTETS = 45  # Octets per encoded word: 60 of base64 and "=?utf-8?B??=" make 72 of 75.


def fold(name: str, value: str, *, utf8: bool = False) -> bytes:
    """Return the field `name` with an unstructured value, CRLF at its end.

    Raises ValueError if `name` is no field name: it is ours, never a peer's.
    """
    text = clean(value)
    if _ENDLESS.search(text) or not (utf8 or _is_plain(text)):
        text = encode_words(text, first=len(name) + 2)
    return _fold(name, text)


def fold_addresses(
    name: str, addresses: Iterable[tuple[str, Address]], *, utf8: bool = False
) -> bytes:
    """Return the field `name` with a list of (display name, address), CRLF at its end."""
    return _fold(
        name, ", ".join(mailbox(shown, address, utf8=utf8) for shown, address in addresses)
    )


def mailbox(shown: str, address: Address, *, utf8: bool = False) -> str:
    """Return one mailbox as it stands in a field: name quoted or encoded, address in brackets."""
    shown = clean(shown)
    if not shown:
        return str(address)
    return f"{phrase(shown, utf8=utf8)} <{address}>"


def phrase(text: str, *, utf8: bool = False) -> str:
    """Return text as an RFC 5322 phrase: bare, quoted, or encoded words."""
    text = clean(text)
    if _ENDLESS.search(text) or not (utf8 or _is_plain(text)):
        return encode_words(text)
    if _PLAIN_PHRASE.fullmatch(text):
        return text
    return '"' + _TO_QUOTE.sub(r"\\\g<0>", text) + '"'


def encode_words(text: str, *, first: int = 0) -> str:
    """Return text as RFC 2047 encoded words, no character cut in two; `first` columns are taken."""
    words: list[str] = []
    piece = bytearray()
    room = max(_WORD_OCTETS - (first // 4) * 3, 6)
    for char in text:
        octets = char.encode("utf-8", "replace")
        if len(piece) + len(octets) > room:
            words.append(_word(piece))
            piece = bytearray()
            room = _WORD_OCTETS
        piece += octets
    words.append(_word(piece))
    return " ".join(words)


def message_id(at: datetime, random: bytes, domain: str) -> str:
    """Return a new message id with its angle brackets, from 8 random octets or more."""
    if len(random) < 8:
        raise ValueError("a message id needs 8 random octets")
    stamp = at.strftime("%Y%m%d%H%M%S")
    return f"<{stamp}.{random.hex()}@{domain}>"


def date_field(at: datetime, offset_minutes: int = 0) -> bytes:
    """Return a Date field for an aware time, CRLF at its end."""
    return b"Date: " + format_date(at, offset_minutes).encode("ascii") + b"\r\n"


def _is_plain(text: str) -> bool:
    """Whether text may stand as it is: ASCII, and nothing a reader would decode."""
    return text.isascii() and "=?" not in text


def _word(octets: bytes | bytearray) -> str:
    return f"=?utf-8?B?{binascii.b2a_base64(octets, newline=False).decode('ascii')}?="


def _fold(name: str, text: str) -> bytes:
    if not _NAME.fullmatch(name):
        raise ValueError("not a header field name")
    lines: list[str] = []
    line = f"{name}:"
    for word in text.split(" "):
        # A line of nothing but white space would end the header for some readers: keep it joined.
        if len(line) + 1 + len(word) > LINE and word and line.strip() and line != f"{name}:":
            lines.append(line)
            line = ""
        line += " " + word
    lines.append(line)
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n"
