"""What a check says: a state, a sentence, and what to do. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """From good to bad; the value is the word that people read."""

    OK = "Works"
    OFF = "Not used"
    UNKNOWN = "Not known"
    WARNING = "Look at it"
    BAD = "Broken"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Args:
        key: the same each time, for programs: `database`, `door.imap`.
        name: for people.
        words: how it stands, a sentence; never a secret.
        advice: what to do; "" if nothing is to be done.
    """

    key: str
    name: str
    state: State
    words: str
    advice: str = ""

    @property
    def is_trouble(self) -> bool:
        """Whether somebody should act."""
        return self.state in (State.WARNING, State.BAD)


@dataclass(frozen=True, slots=True)
class Group:
    """Checks of one sort."""

    name: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All checks, as they were at a moment (Unix seconds)."""

    at: float
    groups: tuple[Group, ...]

    @property
    def checks(self) -> tuple[Check, ...]:
        """All of them."""
        return tuple(check for group in self.groups for check in group.checks)

    @property
    def troubles(self) -> tuple[Check, ...]:
        """What somebody should act on, the worst first."""
        found = [check for check in self.checks if check.is_trouble]
        return tuple(sorted(found, key=lambda check: check.state is not State.BAD))

    @property
    def worst(self) -> State:
        """One word for all."""
        return worst(self.checks)


def worst(checks: Sequence[Check]) -> State:
    """The worst of some states; OK for none, and for what is only off."""
    for state in (State.BAD, State.WARNING, State.UNKNOWN):
        if any(check.state is state for check in checks):
            return state
    return State.OK


def many(number: int, word: str) -> str:
    """A number of things, in words."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def age(seconds: float) -> str:
    """A time span, roughly, for people."""
    for length, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= length:
            return many(int(seconds // length), word)
    return many(max(0, int(seconds)), "second")


def octets(number: float) -> str:
    """A size for people, 1024-based as everywhere in the console."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TB"
