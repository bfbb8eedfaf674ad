"""What a scanner reads above a message: how it came to us. Pure.

A scanner has to know mail when it sees it. clamd does by how the first fields are named: a message
that begins with `X-Greeting: hello` may be a text to it, its attachments are never decoded, and a
virus in base64 passes. And spamd takes from our own Received field who brought the message.
"""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from apps.mailauth.types import Iprev, Result
from apps.reception.judging import Judgement
from apps.scan.base import Case

_LONGEST: Final = 500


def heading(case: Case, hostname: str) -> bytes:
    """Return-Path and Received, each on a line of its own."""
    at = format_datetime(datetime.fromtimestamp(case.received_at_us // 1_000_000, UTC))
    protocol = "ESMTPSA" if case.is_outgoing else "ESMTP"
    lines = (
        f"Return-Path: <{safe(case.sender)}>",
        f"Received: from {_client(case)} by {hostname} with {protocol} id {case.id.hex}; {at}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def safe(words: object) -> str:
    """What a client said, as part of a line."""
    return "".join(one if one.isprintable() and one not in "<>()" else "?" for one in str(words))[
        :_LONGEST
    ].replace(" ", "?")


def _client(case: Case) -> str:
    """In three forms, which say whether its name was looked up: SpamAssassin counts it against a
    host that it has none, and looks itself if nobody has."""
    address, helo = safe(case.client.get("address", "")), safe(case.client.get("helo", ""))
    if not address:
        return "localhost (localhost [127.0.0.1])"
    helo = helo or "unknown"
    found = _iprev(case)
    if found.result is Result.PASS and found.name:
        return f"{helo} ({safe(found.name)} [{address}])"
    if found.result in {Result.FAIL, Result.PERMERROR}:
        return f"{helo} (unknown [{address}])"
    return f"[{address}] (helo={helo})"


def _iprev(case: Case) -> Iprev:
    if not case.judgement:
        return Iprev()
    return Judgement.from_data(case.judgement).case.authentication.iprev
