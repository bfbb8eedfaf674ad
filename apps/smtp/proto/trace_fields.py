"""The Received field we write, and what earlier hops' fields tell: hops and loops. Pure.

`received` promises a field of printable ASCII in CRLF lines that no name a client gave itself can
break out of. RFC 5321 section 4.4, protocol words of RFC 3848 and 6531.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from apps.mime.dates import format_date

HEADER_MAX = 1_048_576  # Octets of a header block looked at for hops.

_UNSAFE = re.compile(r"[^A-Za-z0-9._:\[\]-]")
_DELIVERED_TO = re.compile(rb"\ndelivered-to:[ \t]*([^\r\n]{1,400})")
_NAME_MAX = 255


@dataclass(frozen=True, slots=True)
class Hop:
    """How one message reached us.

    helo: the client's own name for itself. address: its IP address, "" to keep it to ourselves.
    protocol: word of `protocol_word`. tls: version and cipher, "" without. recipient: the only one,
    "" when there are several: naming one of several would tell who got a blind copy. name: of that
    address, if it leads back to it.
    """

    helo: str
    address: str
    host: str
    protocol: str
    id: str
    at: int
    tls: str = ""
    recipient: str = ""
    name: str = ""


def protocol_word(*, lmtp: bool, extended: bool, utf8: bool, tls: bool, signed_in: bool) -> str:
    """Return the word after "with", RFC 3848 and RFC 6531 section 4.3."""
    if not (extended or lmtp):
        return "SMTP"
    word = "LMTP" if lmtp else "SMTP" if utf8 else "ESMTP"
    return f"{'UTF8' if utf8 else ''}{word}{'S' if tls else ''}{'A' if signed_in else ''}"


def received(hop: Hop) -> bytes:
    """Return the Received field, folded, with its CRLF."""
    origin = ""
    if hop.address:
        name = _safe(hop.name) if hop.name else "unknown"
        origin = f"from {_safe(hop.helo)} ({name} [{_safe(hop.address)}])\r\n\t"
    tls = f"\r\n\t({_safe_comment(hop.tls)})" if hop.tls else ""
    recipient = f"\r\n\tfor <{hop.recipient}>" if _fits(hop.recipient) else ""
    return (
        f"Received: {origin}by {hop.host} with {hop.protocol} id {hop.id}{tls}{recipient};"
        f"\r\n\t{_date(hop.at)}\r\n"
    ).encode("ascii", "replace")


def header_of(raw: bytes) -> bytes:
    """Return the header block of a message in lower case, one LF before each field's name."""
    end = raw.find(b"\r\n\r\n", 0, HEADER_MAX)
    return b"\n" + raw[: HEADER_MAX if end < 0 else end].lower()


def hops(header: bytes) -> int:
    """Count the Received fields in what `header_of` returned."""
    return header.count(b"\nreceived:")


def delivered_to(header: bytes) -> list[bytes]:
    """Return the addresses (lower case, unparsed) this message was delivered to already."""
    if b"\ndelivered-to:" not in header:
        return []
    return [found.strip(b" \t<>") for found in _DELIVERED_TO.findall(header)[:200]]


def _safe(text: str) -> str:
    """A word for a field: whatever might begin a comment, a line or a lie becomes "?"."""
    return _UNSAFE.sub("?", text[:_NAME_MAX]) or "unknown"


def _safe_comment(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._ /-]", "?", text[:_NAME_MAX])


def _fits(recipient: str) -> bool:
    return bool(recipient) and recipient.isascii() and recipient.isprintable()


@lru_cache(maxsize=4)
def _date(at: int) -> str:
    return format_date(datetime.fromtimestamp(at, UTC))
