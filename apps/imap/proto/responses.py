"""Response lines (RFC 3501 section 7), each with its CRLF.

Text that a peer could have written never comes in here except through `imap_string` and
`encode_name`: no reply can be cut into two by a name or a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from apps.imap.proto.utf7 import encode_name
from apps.wire.imapstring import imap_nstring, imap_string, imap_text

_ATOM = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+")


def tagged(tag: bytes, condition: bytes, text: str, code: bytes = b"") -> bytes:
    """The last line of a command: OK, NO or BAD, perhaps with a response code."""
    return b"%b %b %b\r\n" % (tag or b"*", condition, _text(text, code))


def untagged(condition: bytes, text: str, code: bytes = b"") -> bytes:
    """An untagged OK, NO, BAD, BYE or PREAUTH."""
    return b"* %b %b\r\n" % (condition, _text(text, code))


def _text(text: str, code: bytes) -> bytes:
    raw = _line(text)
    return b"[%b] %b" % (code, raw) if code else raw


@lru_cache(maxsize=256)  # nearly all are constants
def _line(text: str) -> bytes:
    # Replies are 7-bit; what is not (a translated or quoted word) becomes "?".
    return text.encode("ascii", "replace").replace(b"\r", b" ").replace(b"\n", b" ")


def capability(names: Sequence[str]) -> bytes:
    """The data of CAPABILITY, as a line's middle or a response code."""
    return b"CAPABILITY " + " ".join(names).encode("ascii")


@lru_cache(maxsize=1024)
def mailbox_name(name: str, *, utf8: bool = False) -> bytes:
    """A mailbox name as an IMAP string: modified UTF-7, or UTF-8 for a client that enabled it."""
    return imap_text(name) if utf8 else imap_string(encode_name(name))


def mailbox_id(number: int) -> bytes:
    """A mailbox as an object identifier (RFC 8474 section 4), as in `MAILBOXID (F17)`."""
    return b"F%d" % number


def list_line(
    verb: bytes,
    attributes: Sequence[bytes],
    name: str,
    *,
    utf8: bool = False,
    extended: bytes = b"",
) -> bytes:
    """One LIST or LSUB line; `extended` are extended data items (RFC 5258 section 3)."""
    line = b'* %b (%b) "/" %b' % (verb, b" ".join(attributes), mailbox_name(name, utf8=utf8))
    return b"%b (%b)\r\n" % (line, extended) if extended else line + b"\r\n"


def old_name(supplied: bytes, name: str) -> bytes:
    """The extended data item which says how a client that knows IMAP4rev2 called the mailbox, empty
    if it called it by its name (RFC 9051 section 6.3.9.7). `supplied` is UTF-8."""
    if supplied == name.encode("utf-8"):
        return b""
    return b'"OLDNAME" (%b)' % imap_text(supplied.decode("utf-8"))


def status_line(name: str, values: Iterable[tuple[bytes, bytes]], *, utf8: bool = False) -> bytes:
    """One STATUS line."""
    pairs = b" ".join(b"%b %b" % pair for pair in values)
    return b"* STATUS %b (%b)\r\n" % (mailbox_name(name, utf8=utf8), pairs)


def metadata_line(
    name: str, values: Iterable[tuple[bytes, bytes | None]], *, utf8: bool = False
) -> bytes:
    """One METADATA line with values (RFC 5464 section 4.4.1); the name is empty for the account."""
    pairs = b" ".join(b"%b %b" % (_entry(entry), _value(value)) for entry, value in values)
    return b"* METADATA %b (%b)\r\n" % (mailbox_name(name, utf8=utf8), pairs)


def metadata_names_line(name: str, entries: Iterable[bytes], *, utf8: bool = False) -> bytes:
    """One METADATA line that says which entries are others now (RFC 5464 section 4.4.2)."""
    names = b" ".join(map(_entry, entries))
    return b"* METADATA %b %b\r\n" % (mailbox_name(name, utf8=utf8), names)


def _entry(name: bytes) -> bytes:
    return name if _ATOM.fullmatch(name) else imap_string(name)


def _value(value: bytes | None) -> bytes:
    if value is not None and b"\0" in value:  # literal8 alone may carry it
        return b"~{%d}\r\n%b" % (len(value), value)
    return imap_nstring(value)


def id_line(fields: Sequence[tuple[str, str]]) -> bytes:
    """One ID line (RFC 2971 section 3.2)."""
    pairs = b" ".join(
        imap_string(key.encode("ascii")) + b" " + imap_nstring(value.encode("ascii"))
        for key, value in fields
    )
    return b"* ID (%b)\r\n" % pairs
