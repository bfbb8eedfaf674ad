"""Response lines (RFC 3501 section 7), each with its CRLF.

Text that a peer could have written never comes in here except through `imap_string` and
`encode_name`: no reply can be cut into two by a name or a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apps.imap.proto.utf7 import encode_name
from apps.wire.imapstring import imap_nstring, imap_string


def tagged(tag: bytes, condition: bytes, text: str, code: bytes = b"") -> bytes:
    """The last line of a command: OK, NO or BAD, perhaps with a response code."""
    return b"%b %b %b\r\n" % (tag or b"*", condition, _text(text, code))


def untagged(condition: bytes, text: str, code: bytes = b"") -> bytes:
    """An untagged OK, NO, BAD, BYE or PREAUTH."""
    return b"* %b %b\r\n" % (condition, _text(text, code))


def _text(text: str, code: bytes) -> bytes:
    # Replies are 7-bit; what is not (a translated or quoted word) becomes "?".
    raw = text.encode("ascii", "replace").replace(b"\r", b" ").replace(b"\n", b" ")
    return b"[%b] %b" % (code, raw) if code else raw


def capability(names: Sequence[str]) -> bytes:
    """The data of CAPABILITY, as a line's middle or a response code."""
    return b"CAPABILITY " + " ".join(names).encode("ascii")


def mailbox_name(name: str) -> bytes:
    """A mailbox name as an IMAP string."""
    return imap_string(encode_name(name))


def list_line(verb: bytes, attributes: Sequence[bytes], name: str) -> bytes:
    """One LIST or LSUB line."""
    return b'* %b (%b) "/" %b\r\n' % (verb, b" ".join(attributes), mailbox_name(name))


def status_line(name: str, values: Iterable[tuple[bytes, int]]) -> bytes:
    """One STATUS line."""
    pairs = b" ".join(b"%b %d" % pair for pair in values)
    return b"* STATUS %b (%b)\r\n" % (mailbox_name(name), pairs)


def numbers_line(verb: bytes, numbers: Sequence[int]) -> bytes:
    """`* SEARCH 1 2 3`; the verb alone when there are none (section 7.2.5)."""
    return b"* %b%b\r\n" % (verb, b" %d" * len(numbers) % tuple(numbers))


def id_line(fields: Sequence[tuple[str, str]]) -> bytes:
    """One ID line (RFC 2971 section 3.2)."""
    pairs = b" ".join(
        imap_string(key.encode("ascii")) + b" " + imap_nstring(value.encode("ascii"))
        for key, value in fields
    )
    return b"* ID (%b)\r\n" % pairs
