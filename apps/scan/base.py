"""The words in which filtering speaks: a case, what checks find in it, what becomes of it. Pure.

A check works in two steps, so that each verdict can be computed again later, exactly:

- `gather` looks things up (database, DNS, other scanners) for a whole batch and returns them as
  JSON. It decides nothing. What it returned is kept with the verdict.
- `judge` is pure: the case and what was gathered, nothing else, make the findings.

A check observes and never acts; `runner` combines; the caller acts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any, ClassVar, Protocol
from uuid import UUID

from apps.scan.letter import Letter, read

Given = Any
"""What `gather` found for one case: anything that JSON keeps unchanged; None is nothing."""


class Action(IntEnum):
    """What is done with a copy, from harmless to hard; the hardest that is asked for is done.

    REFUSE is done only at the dot, while the client waits; later it is QUARANTINE (a virus) or
    JUNK. Mail that a user submits is held instead, from QUARANTINE on.
    """

    NONE = 0
    JUNK = 1
    DEFER = 2  # it could not be judged now, and must not pass unjudged
    QUARANTINE = 3
    REFUSE = 4


@dataclass(frozen=True, slots=True)
class Reader:
    """A local recipient.

    Args:
        written: the address as RCPT named it; `address` the final one.
    """

    user_id: int
    address: str
    written: str
    domain: str
    organization_id: int


@dataclass(frozen=True)
class Case:
    """A message to be judged, and what its door knew.

    Args:
        id: the receive id: the queue row's.
        sender: the reverse-path, "" for the null one.
        recipients: all final addresses; `readers` are those of ours.
        door: mx, submission, lmtp, web, api.
        client: address, helo, tls … as the queue row keeps them.
        judgement: what the door found out about the sender (`reception.judging`), as JSON data;
            empty if it asked nothing.
        user_id: who submitted it.
        unscannable: why its text must not be looked into, "" if nothing speaks against it: a worker
            died over it.
        elsewhere: the addresses, as they were written to, of recipients who are not ours, and whose
            copy no user of ours has sent on; None: all of `recipients` who are no readers.
    """

    id: UUID
    trace_id: UUID
    raw: bytes
    sender: str
    recipients: tuple[str, ...]
    readers: tuple[Reader, ...]
    door: str
    received_at_us: int
    client: Mapping[str, Any] = field(default_factory=dict)
    judgement: Mapping[str, Any] = field(default_factory=dict)
    user_id: int | None = None
    unscannable: str = ""
    elsewhere: tuple[str, ...] | None = None

    @cached_property
    def letter(self) -> Letter:
        """The message taken apart, once."""
        return read(self.raw)

    @property
    def is_outgoing(self) -> bool:
        """Whether one of our users sends it."""
        return self.user_id is not None


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason, in words.

    Args:
        rule: its stable name, upper case with underscores: `FROM_OURS_UNPROVEN`.
        points: positive speaks for spam, negative against it.
        words: a sentence for people, without a full stop: what was seen, with the values seen.
        reader: the user whom alone it concerns; None for all.
        action: what it asks for whatever the points are.
    """

    rule: str
    points: float
    words: str
    reader: int | None = None
    action: Action = Action.NONE

    def as_data(self) -> dict[str, Any]:
        """As JSON; what says nothing is left out."""
        data: dict[str, Any] = {"rule": self.rule, "points": self.points, "words": self.words}
        if self.reader is not None:
            data["reader"] = self.reader
        if self.action:
            data["action"] = self.action.name.lower()
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Finding":
        """Read what `as_data` made."""
        return cls(
            data["rule"],
            data["points"],
            data["words"],
            data.get("reader"),
            Action[data.get("action", "none").upper()],
        )


class Check(Protocol):
    """One module's look at mail. `name` is stable: what it gathered is kept under it."""

    name: ClassVar[str]

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        """Look up what `judge` needs, for each case, with as many questions for many as for one.

        Bounded in time. What cannot be found out now is said in the result, never raised.
        """
        ...

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        """What it finds: pure, linear in the size of the message."""
        ...
