"""Lines that were spoken on a connection, as one text: how records keep them. Pure.

A line is `12 > EHLO client.example`: milliseconds, who said it (`>` the client, `<` we, `=` nobody:
a note), and the words; behind a tab the address, if it is about one recipient alone. One text takes
a fraction of the time to write that a list of lists does, and records are written for each message.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

CLIENT: Final = ">"
SERVER: Final = "<"
NOTE: Final = "="
LINES_MOST: Final = 200  # that are read of one text


class Spoken(NamedTuple):
    """One line.

    Args:
        at_ms: milliseconds since the connection began.
        kind: CLIENT, SERVER or NOTE.
        words: without controls.
        about: the address of the only recipient that it is about; "" if that is no address, None if
            it is about nobody alone.
    """

    at_ms: int
    kind: str
    words: str
    about: str | None = None

    @property
    def shown(self) -> str:
        """The line without its time."""
        return f"{self.kind} {self.words}"


def untimed(kind: str, words: str, about: str | None = None) -> str:
    """A line as a text keeps it behind its time, by what it is (`Spoken`); neither words nor
    address have line ends or tabs."""
    return f"{kind} {words}" if about is None else f"{kind} {words}\t{about}"


def timed(at_ms: int, said: str) -> str:
    """The whole of such a line."""
    return f"{at_ms} {said}"


def text_of(lines: Iterable[Spoken]) -> str:
    """All lines as one text."""
    return "\n".join([timed(one.at_ms, untimed(one.kind, one.words, one.about)) for one in lines])


def lines_of(text: Any) -> list[Spoken]:
    """The lines of a text, at most LINES_MOST; none of what is no text, or not such a one."""
    if not isinstance(text, str):
        return []
    found = (_line(line) for line in text.split("\n", LINES_MOST)[:LINES_MOST])
    return [line for line in found if line is not None]


def _line(line: str) -> Spoken | None:
    at, _, rest = line.partition(" ")
    kind, is_spoken, words = rest.partition(" ")
    if not is_spoken or kind not in (CLIENT, SERVER, NOTE) or not at.isdecimal() or len(at) > 15:
        return None
    words, is_about, about = words.partition("\t")
    return Spoken(int(at), kind, words, about if is_about else None)
