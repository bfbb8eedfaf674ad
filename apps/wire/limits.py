"""Limits every protocol buffer shares: each number named, with its reason.

A limit is a promise about memory: one connection may hold at most `line` + `command` octets of
an unfinished command, or `large_literal` octets while one of the `large_verbs` is being sent.
Nothing here reads settings; servers build their own `BufferLimits` from these.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB

LINE_BEFORE_LOGIN = 8 * KIB
"""Octets of command text a stranger may send: the advice of RFC 2683 section 3.2.1.5 and RFC 7162
section 4, and room for the longest sane SASL response."""

LITERAL_BEFORE_LOGIN = 8 * KIB
"""Octets in one literal before login: a user name or a password, nothing bigger."""

LINE_AFTER_LOGIN = 64 * KIB
"""Octets of command text of a logged-in client: long UID sets and SEARCH keys are honest."""

LITERAL_AFTER_LOGIN = 64 * KIB
"""Octets in all literals of an ordinary command after login: names and SEARCH strings."""

LINE_OF_MANY_MESSAGES = 256 * KIB
"""Octets of command text of one APPEND with many messages: flags and dates of about 4,000."""

PASSED_OVER = 2**32 - 1
"""Octets of a refused literal that are read and dropped: the largest message of RFC 3501."""

LITERAL_NUMBER_MAX = 2**63 - 1
"""Largest literal size that is still a number (number64, RFC 9051 section 9)."""

SMTP_LINE_EXTENDED = 4 * KIB
"""An SMTP command line with its CRLF. RFC 5321 section 4.5.3.1.4 sets 512 octets, and every
extension lengthens some command, SMTPUTF8 and DSN the most (RFC 3461 section 4: 500 octets of
ORCPT; RFC 4954 section 4: 500 of AUTH=)."""

SASL_LINE = 12_288
"""Longest base64 line in an AUTH exchange, RFC 4954 section 4."""

SASL_FIELD = 1 * KIB
"""Octets in one user name or password: RFC 4616 section 2 sets 255 characters, UTF-8 is longer."""


@dataclass(frozen=True, slots=True)
class BufferLimits:
    """What one `CommandBuffer` may hold.

    line: octets of all line text of one command, literals left out, line ends included.
    literal: octets in one literal.
    command: octets of all literals of one command together.
    large_verbs: upper-case verbs whose literals may reach `large_literal` (APPEND, PUTSCRIPT).
    large_literal: octets in one literal of such a command.
    large_command: octets of all literals of such a command together (RFC 3502 sends many).
    large_line: as `line`, of such a command.
    ask_above: when the literals of a command together are more, they are asked for even if
        `{n+}`, so that memory can be found for them first; None asks only where the protocol does.
    passed_over: the longest `{n+}` literal that is read and dropped when it is refused; after a
        longer one the connection ends.
    non_sync: cap for `{n+}` literals alone (RFC 7888 LITERAL- wants 4096); None sets no own cap.
    verb_index: which word of the first line is the verb: 1 where commands carry a tag, else 0.
    """

    line: int = LINE_BEFORE_LOGIN
    literal: int = LITERAL_BEFORE_LOGIN
    command: int = LITERAL_BEFORE_LOGIN
    large_verbs: frozenset[bytes] = frozenset()
    large_literal: int = 0
    large_command: int = 0
    large_line: int = 0
    ask_above: int | None = None
    passed_over: int = 0
    non_sync: int | None = None
    verb_index: int = 1


BEFORE_LOGIN = BufferLimits()
AFTER_LOGIN = BufferLimits(
    line=LINE_AFTER_LOGIN, literal=LITERAL_AFTER_LOGIN, command=LITERAL_AFTER_LOGIN
)
