"""What a check sees and says.

A check observes and never acts; the runner combines; the caller acts.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any


class Action(IntEnum):
    """From harmless to hard; the runner takes the hardest."""

    NONE = 0
    JUNK = 1
    DEFER = 2
    REJECT = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: the message as received and what its door knew."""

    raw: bytes
    sender: str
    recipients: tuple[str, ...]
    door: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's opinion, in words."""

    check: str
    action: Action = Action.NONE
    points: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings together; kept with the message and shown in its trace."""

    action: Action = Action.NONE
    points: float = 0.0
    findings: tuple[Finding, ...] = field(default=())

    def as_data(self) -> dict[str, Any]:
        """For the trace, as JSON."""
        return {
            "action": self.action.name.lower(),
            "points": self.points,
            "findings": [asdict(finding) for finding in self.findings],
        }


Check = Callable[[Subject], Finding | None]
