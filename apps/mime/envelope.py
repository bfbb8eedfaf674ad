"""The IMAP ENVELOPE of a header block (RFC 3501 section 7.4.2), as the octets FETCH sends.

Answers as Dovecot and Cyrus do where the RFC leaves room (`tests/mime/broken`): absent is NIL,
empty is "", of a field that stands twice the last counts, but all mailboxes do; Sender and Reply-To
fall back to From. A mailbox without a host gets a made-up one, because NIL there would say "group".
"""

from __future__ import annotations

from apps.mime.addresslist import HeaderMailbox
from apps.mime.headers import HeaderBlock
from apps.wire.imapstring import imap_nstring

ENVELOPE_FIELDS = frozenset(
    (
        b"date",
        b"subject",
        b"from",
        b"sender",
        b"reply-to",
        b"to",
        b"cc",
        b"bcc",
        b"in-reply-to",
        b"message-id",
    )
)

NO_ENVELOPE = b"(" + b" ".join([b"NIL"] * 10) + b")"
"""What a message without header has."""

_MISSING_LOCAL = b"MISSING_MAILBOX"
_MISSING_HOST = b"MISSING_DOMAIN"


def envelope(block: HeaderBlock) -> bytes:
    """Return the ENVELOPE, parentheses included."""
    sender = _addresses(block, b"from")
    pieces = (
        imap_nstring(block.last_as_written(b"date")),
        imap_nstring(block.last_as_written(b"subject")),
        sender,
        _addresses(block, b"sender", sender),
        _addresses(block, b"reply-to", sender),
        _addresses(block, b"to"),
        _addresses(block, b"cc"),
        _addresses(block, b"bcc"),
        imap_nstring(block.last_as_written(b"in-reply-to")),
        imap_nstring(block.last_as_written(b"message-id")),
    )
    return b"(" + b" ".join(pieces) + b")"


def _addresses(block: HeaderBlock, name: bytes, default: bytes = b"NIL") -> bytes:
    found = block.addresses(name)
    if not found:
        return default
    return b"(" + b"".join([_address(mailbox) for mailbox in found]) + b")"


def _address(mailbox: HeaderMailbox) -> bytes:
    name, route, local, host = mailbox
    if host is not None:
        local = _MISSING_LOCAL if local is None else local
        host = host or _MISSING_HOST
    return b"(%b %b %b %b)" % (
        imap_nstring(name),
        imap_nstring(route),
        imap_nstring(local),
        imap_nstring(host),
    )
