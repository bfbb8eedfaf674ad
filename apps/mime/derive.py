"""All that is kept of a message beside its octets, made in one call at delivery.

`derive` never raises, whatever the octets, and its work and every string it returns are bounded
by `DeriveLimits`: the result goes into database rows. It reads no clock and no settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from apps.mime.addresslist import HeaderMailbox
from apps.mime.bodystructure import bodystructure
from apps.mime.dates import parse_date
from apps.mime.envelope import envelope
from apps.mime.headers import HEADER_LIMIT, HeaderBlock, decode_text, scan
from apps.mime.preview import preview
from apps.mime.sections import dump_parts
from apps.mime.tree import scan_tree


@dataclass(frozen=True, slots=True)
class DeriveLimits:
    """Bounds of what is kept: `header` in octets, the others in characters."""

    header: int = HEADER_LIMIT
    subject: int = 1_000
    name: int = 250
    address: int = 320
    recipients: int = 4_000
    message_id: int = 500
    references: int = 4_000
    delivered_to: int = 50  # Fields; a message that passed more hands than this is looping.


DEFAULT = DeriveLimits()

_MESSAGE_ID = re.compile(rb"<[^<>\s]{1,998}+>")


@dataclass(frozen=True, slots=True)
class Derived:
    """What `derive` found. Octets are as IMAP sends them; texts are decoded, one line, bounded.

    parts: for `sections.load_parts`. header_size: octets of header with its empty line.
    message_id, in_reply_to, references: with their angle brackets; references parted by spaces,
    the oldest and the newest kept if there are too many. sent_at in UTC, sent_date on the sender's
    calendar, sent_offset in minutes east of UTC. oversize_header: fields were left out.
    """

    envelope: bytes
    bodystructure: bytes
    parts: bytes
    header_size: int
    subject: str
    sender_name: str
    sender_address: str
    recipients: str
    message_id: str
    in_reply_to: str
    references: str
    sent_at: datetime | None
    sent_date: date | None
    sent_offset: int
    preview: str
    has_attachments: bool
    received_count: int
    delivered_to: list[str]
    oversize_header: bool


def derive(raw: bytes, *, limits: DeriveLimits = DEFAULT) -> Derived:
    """Return everything kept of the message `raw`."""
    block = scan(raw, limit=limits.header)
    root = scan_tree(raw, block, with_envelopes=True)
    sent = parse_date(block.last(b"date"))
    name, address = _sender(block, limits)
    return Derived(
        envelope=envelope(block),
        bodystructure=bodystructure(root),
        parts=dump_parts(root),
        header_size=block.body_start,
        subject=_text(block.last(b"subject"), limits.subject),
        sender_name=name,
        sender_address=address,
        recipients=_recipients(block, limits),
        message_id=message_id(block, limits),
        in_reply_to=_message_id(block, b"in-reply-to", limits),
        references=_references(block, limits),
        sent_at=sent.utc if sent is not None else None,
        sent_date=sent.local_date if sent is not None else None,
        sent_offset=sent.offset_minutes if sent is not None else 0,
        preview=preview(root, raw),
        has_attachments=any(part.is_attachment for part in root.walk()),
        received_count=block.count(b"received"),
        delivered_to=_delivered_to(block, limits),
        oversize_header=block.is_cut,
    )


def _text(value: bytes | None, limit: int) -> str:
    # Eight octets a character: more than base64 of the longest UTF-8 takes.
    return decode_text(value[: 8 * limit])[:limit] if value else ""


def _sender(block: HeaderBlock, limits: DeriveLimits) -> tuple[str, str]:
    for field in (b"from", b"sender"):
        for mailbox in block.addresses(field):
            if not mailbox.is_marker:
                name = _text(mailbox.name, limits.name)
                return name, _address(mailbox, limits)
    return "", ""


def _address(mailbox: HeaderMailbox, limits: DeriveLimits) -> str:
    local, host = mailbox.local or b"", mailbox.host or b""
    return _text(b"%b@%b" % (local, host) if host else local, limits.address)


def _recipients(block: HeaderBlock, limits: DeriveLimits) -> str:
    """Return To and Cc as "Name <address>, ..." cut at a whole entry."""
    entries: list[str] = []
    room = limits.recipients
    for field in (b"to", b"cc"):
        for mailbox in block.addresses(field):
            if mailbox.is_marker:
                continue
            address = _address(mailbox, limits)
            name = _text(mailbox.name, limits.name)
            entry = f"{name} <{address}>" if name else address
            room -= len(entry) + 2
            if room < 0:
                return ", ".join(entries)
            entries.append(entry)
    return ", ".join(entries)


def message_id(block: HeaderBlock, limits: DeriveLimits = DEFAULT) -> str:
    """Return the Message-ID as it is kept, with its angle brackets, "" if there is none."""
    return _message_id(block, b"message-id", limits)


def _message_id(block: HeaderBlock, name: bytes, limits: DeriveLimits) -> str:
    value = block.last(name)
    if not value:
        return ""
    found = _MESSAGE_ID.search(value)
    return _text(found[0] if found is not None else value, limits.message_id)


def _references(block: HeaderBlock, limits: DeriveLimits) -> str:
    value = block.first(b"references")
    if not value:
        return ""
    found = [decode_text(one) for one in _MESSAGE_ID.findall(value[-HEADER_LIMIT:])]
    if not found:
        return ""
    # Too many: the root names the thread, the newest name the parents.
    room = limits.references - len(found[0])
    kept: list[str] = []
    for one in reversed(found[1:]):
        room -= len(one) + 1
        if room < 0:
            break
        kept.append(one)
    return " ".join([found[0], *reversed(kept)])[: limits.references]


def _delivered_to(block: HeaderBlock, limits: DeriveLimits) -> list[str]:
    values = block.all(b"delivered-to")[: limits.delivered_to]
    return [_text(value, limits.address) for value in values]
