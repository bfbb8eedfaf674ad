"""What was said on one connection, kept short for the flight recorder. Pure.

A `Dialogue` holds the lines before the first transaction and those of the transaction that goes on,
both in bounds, and never more of a line than its beginning. Keeping a line costs a tuple; it is
made readable by `told`, when there is something to record, and what was said before in this process
is not made readable again.

What may be a secret is not kept at all, not even until then: of AUTH the mechanism alone, nothing
of the exchange that follows it, and nothing of a line whose verb is not one of SMTP's, for a client
that lost its way sends passwords as commands. Message text is not kept either, only how long it
was.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from apps.mime.address import AddressError, parse_path
from apps.mime.headers import printable
from apps.wire.spoken import CLIENT, NOTE, SERVER, timed, untimed

PREAMBLE_MOST: Final = 10
"""Lines before the first MAIL: greeting, EHLO, STARTTLS, EHLO, AUTH, with their answers."""
HEAD_MOST: Final = 7
TAIL_MOST: Final = 7
"""Lines of a transaction that are kept at its beginning and at its end: of hundreds of recipients
the first ones, and how it ended."""
LINE_MOST: Final = 160
"""Characters of a line that are shown."""
_KEPT_MOST: Final = 1_000  # octets of a line that are kept: a RCPT is to be parsed again

_WHOLE = re.compile(rb"(?i:EHLO|HELO|LHLO|MAIL|RCPT|DATA|BDAT|RSET|QUIT|STARTTLS)(?: |\Z)")
_VERB_ONLY = frozenset((b"NOOP", b"HELP", b"VRFY", b"EXPN"))
_MECHANISM = re.compile(rb"[A-Za-z0-9_-]{1,20}")
_HIDDEN: Final = "…".encode()

_Said = tuple[float, str, bytes, bytes]  # when, kind, line, the RCPT that it belongs to


class Dialogue:
    """One connection's.

    Args:
        connected_at: when it began, Unix microseconds.
        clock: seconds, only going forward.
    """

    __slots__ = (
        *("_began", "_clock", "_is_open", "_left_out", "_lines", "_opening", "_preamble"),
        "connected_at",
    )

    def __init__(self, connected_at: int, clock: Callable[[], float]) -> None:
        self.connected_at = connected_at
        self._clock = clock
        self._began = clock()
        self._preamble: list[_Said] = []
        self._opening: list[str] = []  # the preamble as texts keep it, as far as it was told
        self._lines: list[_Said] = []
        self._left_out = 0
        self._is_open = False

    def begin(self) -> None:
        """A transaction begins: what is kept from now on belongs to it."""
        self._is_open = True
        self._lines.clear()
        self._left_out = 0

    def end(self) -> None:
        """It is over, and forgotten."""
        self._is_open = False
        self._lines.clear()
        self._left_out = 0

    def client(self, line: bytes, recipient: bytes = b"") -> None:
        """It said a line (without CRLF); `recipient` is that line again if it is a RCPT."""
        shown = line[:_KEPT_MOST] if _WHOLE.match(line) else _masked(line)
        self._keep(CLIENT, shown, recipient[:_KEPT_MOST])

    def server(self, reply: bytes, recipient: bytes = b"") -> None:
        """We said a reply, perhaps of several lines; `recipient` is the RCPT that it answers."""
        self._keep(SERVER, reply, recipient[:_KEPT_MOST])

    def note(self, words: str) -> None:
        """Something happened that nobody said."""
        self._keep(NOTE, words.encode(), b"")

    def told(self) -> dict[str, Any]:
        """As events keep it: `connected_at` in Unix microseconds; `dialogue`, the lines as
        `apps.wire.spoken` writes them, by milliseconds since then; `left_out`, how many are missing
        in its middle, if any are.
        """
        opening = self._opening
        opening += self._written(self._preamble[len(opening) :])
        lines = [*opening, *self._written(self._lines)]
        told: dict[str, Any] = {"connected_at": self.connected_at, "dialogue": "\n".join(lines)}
        if self._left_out:
            told["left_out"] = self._left_out
        return told

    def _keep(self, kind: str, line: bytes, recipient: bytes) -> None:
        spoken = (self._clock(), kind, line, recipient)
        if self._is_open:
            self._lines.append(spoken)
            if len(self._lines) > HEAD_MOST + TAIL_MOST:
                del self._lines[HEAD_MOST]
                self._left_out += 1
        elif len(self._preamble) < PREAMBLE_MOST:
            self._preamble.append(spoken)

    def _written(self, said: list[_Said]) -> list[str]:
        began = self._began
        return [
            timed(int((at - began) * 1000), _words(kind, line, recipient))
            for at, kind, line, recipient in said
        ]


def _masked(line: bytes) -> bytes:
    """A command of which not all may be known."""
    verb, _, rest = line.partition(b" ")
    verb = verb[:12].upper()
    if verb == b"AUTH":
        words = rest.split(maxsplit=1)
        if not words or _MECHANISM.fullmatch(words[0]) is None:
            return b"AUTH " + _HIDDEN
        return b"AUTH %b %b" % (words[0].upper(), _HIDDEN)
    if verb in _VERB_ONLY:
        return b"%b %b" % (verb, _HIDDEN) if rest else verb
    return _HIDDEN


@lru_cache(maxsize=256)
def _words(kind: str, line: bytes, recipient: bytes) -> str:
    """A line as texts keep it behind its time; a reply stands on one line. Most are of the few that
    all conversations are made of."""
    if kind != CLIENT:
        line = b" / ".join(line[: LINE_MOST * 4].splitlines())
    return untimed(kind, _readable(line), _address(recipient) if recipient else None)


def _readable(raw: bytes) -> str:
    text = raw[: LINE_MOST * 4].decode("utf-8", "replace")
    if len(text) > LINE_MOST:
        text = f"{text[: LINE_MOST - 1]}…"
    return printable(text)


def _address(line: bytes) -> str:
    """The address that a RCPT names, "" if it names none."""
    try:
        path = parse_path(line.partition(b":")[2], smtputf8=True)
    except AddressError:
        return ""
    if path.postmaster or path.address is None:
        return "postmaster"
    return printable(str(path.address))
