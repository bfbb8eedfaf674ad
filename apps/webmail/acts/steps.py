"""What an act did, step by step, so small that it fits into a token: the memory of undo."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.mailstore.uidset import uid_set, uids_in
from apps.scan.models import Verb
from apps.scan.services.lists import Added


@dataclass(frozen=True, slots=True)
class Moved:
    """Messages went from one mailbox to another. Old UIDs and new ones stand side by side: both
    rise (`mailstore.services.copy`)."""

    source: int
    target: int
    old: list[int]
    new: list[int]

    def pack(self) -> list[Any]:
        return ["m", self.source, self.target, uid_set(self.old), uid_set(self.new)]


@dataclass(frozen=True, slots=True)
class Marked:
    """A flag or a keyword was set, or taken off: of these messages, which were not so before.

    Args:
        modseq: of the last of these changes; who changed the same since was somebody else.
    """

    mailbox: int
    adds: bool
    flags: int
    keywords: tuple[str, ...]
    uids: list[int]
    modseq: int

    def pack(self) -> list[Any]:
        words = list(self.keywords)
        return ["f", self.mailbox, self.adds, self.flags, words, uid_set(self.uids), self.modseq]


@dataclass(frozen=True, slots=True)
class Expunged:
    """Messages were expunged; the mailbox remembers them for some days."""

    mailbox: int
    uids: list[int]

    def pack(self) -> list[Any]:
        return ["d", self.mailbox, uid_set(self.uids)]


@dataclass(frozen=True, slots=True)
class Listed:
    """The person blocked or allowed a sender."""

    added: Added

    def pack(self) -> list[Any]:
        one = self.added
        return ["l", one.verb, one.value, one.replaced, one.at]


@dataclass(frozen=True, slots=True)
class Retimed:
    """Snoozed messages got another time; `before` are those that they had, 0 for none."""

    mailbox: int
    uids: list[int]
    before: list[int]

    def pack(self) -> list[Any]:
        return ["z", self.mailbox, self.uids, self.before]


Step = Moved | Marked | Expunged | Retimed
Remembered = Step | Listed


def pack(steps: Iterable[Remembered]) -> list[list[Any]]:
    """As JSON takes it."""
    return [step.pack() for step in steps]


def unpack(packed: Iterable[list[Any]]) -> list[Remembered]:
    """The inverse, of what we have signed ourselves."""
    return [_unpack(kind, rest) for kind, *rest in packed]


def _unpack(kind: str, rest: list[Any]) -> Remembered:
    if kind == "l":
        verb, value, replaced, at = rest
        return Listed(Added(Verb(verb), value, Verb(replaced) if replaced else None, at))
    if kind == "m":
        source, target, old, new = rest
        return Moved(source, target, uids_in(old), uids_in(new))
    if kind == "f":
        mailbox, adds, flags, words, uids, modseq = rest
        return Marked(mailbox, adds, flags, tuple(words), uids_in(uids), modseq)
    if kind == "z":
        mailbox, uids, before = rest
        return Retimed(mailbox, uids, before)
    mailbox, uids = rest
    return Expunged(mailbox, uids_in(uids))
