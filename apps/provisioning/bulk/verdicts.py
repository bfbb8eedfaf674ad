"""What is said of a line before anything is done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from apps.provisioning.bulk.sheets import Line
from apps.wire.errors import MailError

AT_ONCE: Final = 500
"""Lines for which the database is asked together."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a line can be added.

    Args:
        field: of which `reason` speaks, "" for the whole line.
        reason: a sentence without its full stop.
    """

    state: Literal["good", "wrong", "there"] = "good"
    field: str = ""
    reason: str = ""


class WrongCell(Exception):
    """What is wrong with a line, and where."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


class Check(Protocol):
    """Looks at the lines of a file, some at a time and in their order: it remembers those before
    them."""

    def look(self, lines: Sequence[Line]) -> list[Verdict]:
        """A verdict for each; the same few statements however many lines."""


def verdicts(check: Check, lines: Sequence[Line]) -> Iterator[tuple[Line, Verdict]]:
    """What is to be said of each line."""
    for at in range(0, len(lines), AT_ONCE):
        some = lines[at : at + AT_ONCE]
        yield from zip(some, check.look(some), strict=True)


class Seen:
    """Which lines said the same before."""

    def __init__(self) -> None:
        self._lines: dict[Any, int] = {}

    def note(self, field: str, key: object, line: Line) -> None:
        """Raise WrongCell for what an earlier line has."""
        before = self._lines.setdefault(key, line.number)
        if before != line.number:
            raise WrongCell(field, f"Line {before} has the same")


def wrong(field: str, error: MailError) -> WrongCell:
    """What a door says, said of a cell."""
    return WrongCell(field, error.reply.text)
