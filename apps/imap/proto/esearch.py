"""The lines that answer a search: SEARCH, SORT, ESEARCH (RFC 4466 section 2.6.2, RFC 4731)."""

from __future__ import annotations

from collections.abc import Sequence

from apps.imap.proto.sets import format_set
from apps.wire.imapstring import imap_string


def numbers_line(verb: bytes, numbers: Sequence[int], modseq: int = 0) -> bytes:
    """`* SEARCH 1 2 3`; the verb alone when there are none (RFC 3501 section 7.2.5).

    Args:
        modseq: told too if there are numbers and it is not 0 (RFC 7162 section 3.1.6).
    """
    told = b" (MODSEQ %d)" % modseq if modseq and numbers else b""
    return b"* %b%b%b\r\n" % (verb, b" %d" * len(numbers) % tuple(numbers), told)


def esearch_line(
    tag: bytes, items: Sequence[bytes], *, uid: bool, mailbox: tuple[bytes, int] | None = None
) -> bytes:
    """One ESEARCH line.

    Args:
        items: result items, each with its value.
        uid: the numbers in them are UIDs.
        mailbox: where they are, as an IMAP string, and its UIDVALIDITY (RFC 7377 section 2.1).
    """
    where = b" MAILBOX %b UIDVALIDITY %d" % mailbox if mailbox is not None else b""
    head = b"* ESEARCH (TAG %b%b)" % (imap_string(tag), where)
    return b" ".join([head, *([b"UID"] if uid else []), *items]) + b"\r\n"


def set_item(name: bytes, numbers: Sequence[int]) -> bytes:
    """`ALL 1,3:5`: numbers in their order, at least one."""
    return name + b" " + format_set(numbers)


def update_item(name: bytes, numbers: Sequence[int]) -> bytes:
    """`ADDTO (0 1,3:5)`: place 0 leaves it to the client to keep mailbox order (RFC 5267 section
    4.3.3)."""
    return b"%b (0 %b)" % (name, format_set(numbers))
