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

_SUBJECT = re.compile(rb"^subject[ \t]*:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.MULTILINE | re.I)
_MESSAGE_ID = re.compile(rb"^message-id[ \t]*:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.MULTILINE | re.I)
_IN_BRACKETS = re.compile(rb"<[^<>\s]{1,998}>")
# Marks that turn the direction of what stands beside them: letters bring their own.
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def caption_of(raw: bytes) -> tuple[str, str]:
    """Return the decoded subject (at most 300 characters, without controls and direction marks) and
    the Message-ID with its brackets; "" for what a message does not have."""
    end = raw.find(b"\r\n\r\n", 0, _LOOKED_AT)
    head = raw[: _LOOKED_AT if end < 0 else end]
    subject, message_id = _SUBJECT.search(head), _MESSAGE_ID.search(head)
    return (
        plain_text(decode_text(subject[1].strip()[:_VALUE_MOST])) if subject else "",
        _identity(message_id[1]) if message_id else "",
    )


def caption_told(raw: bytes) -> dict[str, str]:
    """The same by the names that records have for it; what a message does not have is not there."""
    subject, message_id = caption_of(raw)
    told = {"subject": subject, "message_id": message_id}
    return {name: text for name, text in told.items() if text}


def plain_text(text: str) -> str:
    """Text that a stranger chose, as long as a subject may be, and nothing in it that turns lines
    round."""
    return _DIRECTIONS.sub("", text)[:SUBJECT_MOST]


def _identity(value: bytes) -> str:
    found = _IN_BRACKETS.search(unfold(value))
    return decode_text(found[0])[:MESSAGE_ID_MOST] if found else ""
