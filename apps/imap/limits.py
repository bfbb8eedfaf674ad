"""Limits of the IMAP door: each number named, with its reason.

`command_limits` gives the framing limits by state; what a stranger may hold is small, what a user
may hold is bounded by `MESSAGE_SIZE_LIMIT` and only in APPEND.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from apps.runtime.allowance import Allowance
from apps.runtime.conversation import Patience
from apps.wire.limits import (
    BEFORE_LOGIN,
    LINE_AFTER_LOGIN,
    LINE_OF_MANY_MESSAGES,
    LITERAL_AFTER_LOGIN,
    MIB,
    PASSED_OVER,
    BufferLimits,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """All numbers of one IMAP door; seconds and octets.

    patience: RFC 3501 section 5.4 asks for 30 minutes of idle time at least.
    literal_memory: for the large literals of all connections of the process; a quarter for those
        of one user, yet always enough for one message.
    progress_every: between two words of a search that takes long (RFC 9585 section 4).
    literal_wait: for room in it, then NO [UNAVAILABLE].
    literal_stall: in which 64 KB at least come of what room was taken for, else BYE.
    idle_keepalive: an untagged OK during IDLE; keeps NAT tables and finds dead clients.
    """

    patience: Patience = field(default_factory=Patience)
    idle_keepalive: float = 120.0
    bad_before_login: int = 10
    bad_in_a_row: int = 50
    failed_logins: int = 5
    message_size: int = 50 * MIB
    literal_memory: int = 512 * MIB
    literal_wait: float = 20.0
    literal_stall: float = 120.0
    progress_every: float = 10.0
    page_rows: int = 500
    page_octets: int = MIB


def literal_allowance(limits: Limits) -> Allowance:
    """Return what all connections together may hold in large literals."""
    each = one_users_literals(limits)
    return Allowance(max(limits.literal_memory, each), each)


def one_users_literals(limits: Limits) -> int:
    """Return what one user may have on the way, and so one command may bring: octets."""
    return max(limits.literal_memory // 4, limits.message_size)


def command_limits(limits: Limits, *, signed_in: bool) -> BufferLimits:
    """Return what the command buffer may hold."""
    return _after_login(limits) if signed_in else BEFORE_LOGIN


@lru_cache(maxsize=8)  # one object for all connections
def _after_login(limits: Limits) -> BufferLimits:
    return BufferLimits(
        line=LINE_AFTER_LOGIN,
        literal=LITERAL_AFTER_LOGIN,
        command=LITERAL_AFTER_LOGIN,
        large_verbs=frozenset({b"APPEND", b"REPLACE"}),
        large_literal=limits.message_size,
        large_command=one_users_literals(limits),
        large_line=LINE_OF_MANY_MESSAGES,
        ask_above=LITERAL_AFTER_LOGIN,
        passed_over=PASSED_OVER,
    )
