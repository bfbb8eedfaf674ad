"""Every limit of an SMTP conversation: each number named, with its reason.

One frozen value per door instance: nothing is shared between doors or changed by a client. Sizes
are octets, times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.wire.limits import KIB, MIB, SASL_LINE, SMTP_LINE_EXTENDED

SIZE_DIGITS = 20
"""Digits in a SIZE= or BDAT number, RFC 1870 section 3: more is no number."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask of one door."""

    message: int = 50 * MIB
    """Largest message, after dots are unstuffed: the SIZE that EHLO advertises (RFC 1870)."""

    command_line: int = SMTP_LINE_EXTENDED
    """A command with its CRLF; RFC 5321 section 4.5.3.1.4 asks for 512 and room for extensions."""

    sasl_line: int = SASL_LINE + 2
    """A line of an AUTH exchange, and AUTH with an initial response (RFC 4954 section 4)."""

    skipped_line: int = 64 * KIB
    """What we read past of a line that is too long before we give up on the connection."""

    pipeline: int = 64 * KIB
    """Commands that may wait in memory before we stop reading the socket."""

    recipients: int = 100
    """RCPT per transaction of strangers: what RFC 5321 section 4.5.3.1.8 makes every server accept.
    Our users have limits of their own."""

    targets: int = 1_000
    """Final recipients per transaction, when aliases are expanded."""

    commands: int = 1_000
    """Commands between two accepted messages: nobody needs more, a flood does."""

    errors: int = 20
    """5yz answers between two accepted messages; then 421 (Postfix's hard error limit)."""

    signed_in_errors: int = 200
    """The same for a signed-in user, whose address list may be old and long."""

    tarpit_after: int = 5
    """Errors after which every further one is answered late."""

    tarpit_seconds: float = 0.5
    """How late: a harvester pays it, and no thread of ours waits with it."""

    auth_failures: int = 5
    """Wrong passwords per connection; the throttle of `directory.authentication` counts on."""

    hold_seconds: int = 30 * 86_400
    """How far ahead mail may be handed in (RFC 4865): as long as its trace is kept."""

    hops: int = 100
    """Received fields that make a loop (RFC 5321 section 6.3: at least 100)."""

    command_seconds: float = 300.0
    """Until a whole command is here: RFC 5321 section 4.5.3.2.7. Octets in between do not extend
    it, so that a byte a second buys nothing."""

    block_seconds: float = 300.0
    """Between two pieces of message text, RFC 5321 section 4.5.3.2.5 asks for 180."""

    message_seconds: float = 1_800.0
    """For the whole of one message text: 50 MB at 28 KB/s."""

    write_seconds: float = 120.0
    """For a client to take our answers once it has let 64 KB of them pile up."""

    stress_connections: int = 5_000
    """From so many open connections on, the next three stand in for their longer forms."""

    stress_command_seconds: float = 20.0
    stress_block_seconds: float = 30.0
    stress_message_seconds: float = 300.0

    text_memory: int = 512 * MIB
    """Message text that all connections of a door may hold at once; beyond it, 451."""
