"""The first words of other protocols, which no mail client says. Pure.

Browsers can be made to send requests to mail ports, with commands for us further down in them
(cross-protocol attacks, ALPACA), and scanners try every protocol at every port: whoever begins like
this is cut off before any of it is read as commands.
"""

from __future__ import annotations

import re

_REQUEST = re.compile(rb"[^ ]+ [^ ]+ HTTP/[0-9]", re.IGNORECASE)
_VERB = re.compile(
    rb"(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI|HOST:|USER-AGENT:)(?= |\Z)"
    rb"|SSH-[12]\.",
    re.IGNORECASE,
)
_MAIL = re.compile(rb"(?:EHLO|HELO|LHLO)(?= |\Z)", re.IGNORECASE)


def is_foreign(line: bytes, *, smtp: bool = False) -> bool:
    """Whether a line, without its end, begins a conversation in another protocol.

    Args:
        smtp: whether SMTP is spoken here; its greeting is foreign elsewhere.
    """
    if _VERB.match(line) or _REQUEST.match(line):
        return True
    return not smtp and _MAIL.match(line) is not None
