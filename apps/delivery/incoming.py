"""Mail that may carry a report on a domain of ours (DMARC, TLS): recognised when it is processed.

A look at the beginning of each message that is filed here, cheap because it is made for every one;
what looks like a report is noted in the transaction that files it, and read later by
`apps.reports.arriving`. The message itself goes its way untouched. Reports need no address of their
own: a domain's rua= may name any mailbox.
"""

import re
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from django.conf import settings

from apps.mailauth.suffixes import organisational
from apps.mailauth.types import Authentication, Result
from apps.mime.address import AddressError, normalise_domain
from apps.mime.headers import HeaderBlock, scan
from apps.reception.judging import Judgement
from apps.reports.services import Arrived
from apps.reports.unpacking import MESSAGE_MAX

HEADER_MAX: Final = 64 * 1024
_BEGINNING: Final = 16 * 1024  # where the header of the attachment stands
# Of the subject (RFC 7489 section 7.2.1.1, RFC 8460 section 5.3), or of a field.
_HINTS: Final = (b"report domain", b"report-domain", b"tlsrpt", b"report_domain")
_PACKED: Final = (b"zip", b"/xml", b"/json")
# `receiver!domain!begin!end`, with an id or without one (RFC 7489 section 7.2.1.1).
_FILENAME: Final = re.compile(rb"![0-9]{9,11}![0-9]{9,11}[.!]")
_OWN_DOORS: Final = frozenset({"dmarcreport", "tlsreport"})


class Incoming(Protocol):
    """A claimed message."""

    @property
    def trace_id(self) -> UUID: ...
    @property
    def blob_id(self) -> UUID: ...
    @property
    def door(self) -> str: ...
    @property
    def received_at_us(self) -> int: ...


def arrived(
    message: Incoming, raw: bytes, readers: Sequence[int], judgement: Judgement | None
) -> Arrived | None:
    """What is to be noted of a message, None if it carries no report. Never raises, asks nobody.

    Args:
        readers: users who get it.
        judgement: what was found out about its sender, None if nobody asked.
    """
    if not readers or not settings.REPORTS_DAYS or not looks_like_report(raw):
        return None
    sender = _author(scan(raw[:HEADER_MAX], limit=HEADER_MAX))
    is_ours = message.door in _OWN_DOORS
    found = Authentication() if judgement is None else judgement.case.authentication
    return Arrived(
        trace_id=message.trace_id,
        blob_id=message.blob_id,
        readers=tuple(dict.fromkeys(readers)),
        sender=sender,
        is_genuine=is_ours or bool(sender and _is_proved(found, sender)),
        at=message.received_at_us // 1_000_000,
    )


def looks_like_report(raw: bytes) -> bool:
    """Whether reading it is worth the while; errs on that side."""
    if len(raw) > MESSAGE_MAX:
        return False
    end = raw.find(b"\r\n\r\n", 0, HEADER_MAX)
    header = raw[: HEADER_MAX if end < 0 else end].lower()
    if any(hint in header for hint in _HINTS):
        return True
    beginning = raw[:_BEGINNING].lower()
    return any(hint in beginning for hint in _PACKED) and bool(_FILENAME.search(beginning))


def _author(block: HeaderBlock) -> str:
    """The domain of the one author; "" if there is not exactly one."""
    hosts = [one.host for one in block.addresses(b"from") if one.host]
    if len(hosts) != 1:
        return ""
    try:
        return normalise_domain(hosts[0].decode("utf-8", "replace"))
    except AddressError:
        return ""


def _is_proved(found: Authentication, sender: str) -> bool:
    """Whether the author's domain is behind the message, with a DMARC record or without one."""
    if found.dmarc.result in (Result.PASS, Result.FAIL):
        return found.dmarc.result is Result.PASS and found.dmarc.author == sender
    family = organisational(sender)
    return any(organisational(name) == family for name in found.proven)
