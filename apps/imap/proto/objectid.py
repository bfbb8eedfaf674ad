"""Object identifiers on the wire (RFC 8474): of messages, of conversations.

Mailboxes have theirs in `apps.imap.proto.responses`. An identifier begins with a letter that tells
what it is of, so that none can be taken for another.
"""

from __future__ import annotations

import re

from apps.imap.proto.scanner import GrammarError

_OBJECT_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}")


def email_id(message_id: int, head_id: int | None) -> bytes:
    """The EMAILID of what a reader sees: the message, with the head of its delivery if it has
    one."""
    return b"M%d" % message_id if head_id is None else b"M%d-%d" % (message_id, head_id)


def thread_id(thread: int) -> bytes:
    """The THREADID of a conversation."""
    return b"T%d" % thread


def parse_object_id(raw: bytes) -> bytes:
    """Check an `objectid` (section 7): any that is well-formed may be asked for."""
    if not _OBJECT_ID.fullmatch(raw):
        raise GrammarError("expected an object identifier")
    return raw
