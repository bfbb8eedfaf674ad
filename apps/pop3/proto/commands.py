"""Every POP3 command as a typed value (RFC 1939, RFC 2449, RFC 2595, RFC 5034, RFC 6856).

`parse` promises `GrammarError` for all that is no command; its text says what was expected and
never repeats input. Numbers are ASCII digits only: no other script's digits, no `0x1`, no `+1`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from apps.wire.foreign import is_foreign

NUMBER_MAX = 2**63 - 1
_NUMBER = re.compile(rb"[0-9]{1,19}")
_WORDS = re.compile(rb" +")


class GrammarError(Exception):
    """Not in the grammar; the text says what was expected."""


class ForeignError(GrammarError):
    """Another protocol, see `apps.wire.foreign`. Cut it off."""


@dataclass(frozen=True, slots=True)
class Command:
    """A verb (upper-case) with its numbers.

    text: the argument as sent, for USER, PASS, AUTH, APOP and LANG alone; never shown.
    """

    verb: str
    numbers: tuple[int, ...] = ()
    text: bytes = field(default=b"", repr=False)


# Verb -> how many numbers, at least and at most.
_NUMBERED = {
    "QUIT": (0, 0),
    "STAT": (0, 0),
    "LIST": (0, 1),
    "RETR": (1, 1),
    "DELE": (1, 1),
    "NOOP": (0, 0),
    "RSET": (0, 0),
    "TOP": (2, 2),
    "UIDL": (0, 1),
    "CAPA": (0, 0),
    "STLS": (0, 0),
    "UTF8": (0, 0),
}
_TEXTUAL = frozenset({"USER", "PASS", "AUTH", "APOP", "LANG"})
VERBS = _TEXTUAL | _NUMBERED.keys()
"""Every verb that `parse` returns."""


def parse(line: bytes) -> Command:
    """Read one command line."""
    verb_raw, _, rest = line.partition(b" ")
    verb = verb_raw.decode("ascii", "replace").upper()
    if verb in _TEXTUAL:
        if b"\0" in rest:
            raise GrammarError("NUL in a line")
        return Command(verb, text=rest)
    if is_foreign(line):
        raise ForeignError("this is a POP3 server")
    if verb not in _NUMBERED:
        raise GrammarError("unknown command")
    least, most = _NUMBERED[verb]
    words = [word for word in _WORDS.split(rest) if word]
    if not least <= len(words) <= most:
        raise GrammarError("wrong number of arguments")
    return Command(verb, tuple(_number(word) for word in words))


def _number(word: bytes) -> int:
    if _NUMBER.fullmatch(word) is None or int(word) > NUMBER_MAX:
        raise GrammarError("expected a number")
    return int(word)
