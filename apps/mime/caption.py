"""By what people know a message: its subject and its Message-ID, found without reading the rest of
its header. For records that are kept of every message, so it has to cost next to nothing."""

from __future__ import annotations

import re
from typing import Final

from apps.mime.headers import decode_text, unfold

SUBJECT_MOST: Final = 300  # characters
MESSAGE_ID_MOST: Final = 500
_LOOKED_AT: Final = 64 * 1024  # octets of the header block
_VALUE_MOST: Final = 8 * 1024  # octets of one value that are decoded

# Behind a field's name: its value, with folded lines.
_VALUE = re.compile(rb"[ \t]*:([^\n]*+(?:\n[ \t][^\n]*+)*+)")
_IN_BRACKETS = re.compile(rb"<[^<>\s]{1,998}>")
# Marks that turn the direction of what stands beside them: letters bring their own.
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def caption_of(raw: bytes) -> tuple[str, str]:
    """Return the decoded subject (at most 300 characters, without controls and direction marks) and
    the Message-ID with its brackets; "" for what a message does not have."""
    if raw.startswith(b"\r\n"):
        return "", ""  # no header at all
    end = raw.find(b"\r\n\r\n", 0, _LOOKED_AT)
    head = b"\n" + raw[: _LOOKED_AT if end < 0 else end]
    small = head.lower()  # to look for words in it takes less time than one regular expression
    subject = _value(head, small, b"\nsubject")
    message_id = _value(head, small, b"\nmessage-id")
    return plain_text(decode_text(subject.strip()[:_VALUE_MOST])), _identity(message_id)


def _value(head: bytes, small: bytes, name: bytes) -> bytes:
    """The value of the first field so named; `small` is `head` in small letters."""
    at = small.find(name)
    while at >= 0:
        found = _VALUE.match(head, at + len(name))
        if found is not None:
            return found[1]
        at = small.find(name, at + 1)
    return b""


def caption_told(raw: bytes) -> dict[str, str]:
    """The same by the names that records have for it; what a message does not have is not there."""
    subject, message_id = caption_of(raw)
    told = {"subject": subject} if subject else {}
    if message_id:
        told["message_id"] = message_id
    return told


def plain_text(text: str) -> str:
    """Text that a stranger chose, as long as a subject may be, and nothing in it that turns lines
    round."""
    return text[:SUBJECT_MOST] if text.isascii() else _DIRECTIONS.sub("", text)[:SUBJECT_MOST]


def _identity(value: bytes) -> str:
    value = value[:_VALUE_MOST]
    found = _IN_BRACKETS.search(unfold(value) if b"\n" in value else value)
    return decode_text(found[0])[:MESSAGE_ID_MOST] if found else ""
