"""What a domain wants done with files: allow, junk, quarantine or refuse. Pure.

Two kinds of questions are asked of a file, and the hardest answer counts.

- May such a file pass? By the endings of its name, the declared type, the real kind, and the group
  that these make it one of. The domain's own entries that name it decide; if none does, the
  server's; if none does, what is usual. So one entry "ending exe allow" is enough for a domain that
  deals with programs, however it is packed.
- And its condition? Disguised, encrypted, with macros, unread, unscannable: each by itself, in the
  same order. So who allows programs has not allowed "invoice.pdf.exe".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from apps.scan.attachments import member, names
from apps.scan.attachments.kinds import KINDS
from apps.scan.base import Action


class What(StrEnum):
    """What an entry speaks of."""

    ENDING = "ending"  # of the file's name
    TYPE = "type"  # the declared Content-Type
    KIND = "kind"  # what it is by its content
    GROUP = "group"  # what opening it does
    CONDITION = "condition"


ACTIONS: Final[Mapping[str, Action]] = {
    "allow": Action.NONE,
    "junk": Action.JUNK,
    "quarantine": Action.QUARANTINE,
    "refuse": Action.REFUSE,
}
DISGUISED, ENCRYPTED, MACROS = "disguised", "encrypted", "macros"
UNREAD, UNSCANNABLE = "unread", "unscannable"
SOURCE: Final = "source"
"""The group of scripts among many files of an archive: what programmers send each other."""
SOURCE_FROM: Final = 10  # so many files

VALUES: Final[Mapping[What, frozenset[str]]] = {
    What.KIND: KINDS,
    What.GROUP: frozenset({*names.GROUPS, SOURCE}),
    What.CONDITION: frozenset({DISGUISED, ENCRYPTED, MACROS, UNREAD, UNSCANNABLE}),
}
"""What may be named where the choice is ours; endings and types are anything."""

Level = Mapping[tuple[str, str], Action]
USUAL: Final[Level] = {
    (What.GROUP, "program"): Action.QUARANTINE,
    (What.GROUP, "installer"): Action.QUARANTINE,
    (What.GROUP, "script"): Action.QUARANTINE,
    (What.GROUP, "shortcut"): Action.QUARANTINE,
    (What.GROUP, "link"): Action.JUNK,
    (What.GROUP, "disk"): Action.JUNK,
    (What.GROUP, "archive"): Action.NONE,
    (What.GROUP, SOURCE): Action.NONE,
    (What.CONDITION, DISGUISED): Action.QUARANTINE,
    (What.CONDITION, ENCRYPTED): Action.NONE,
    (What.CONDITION, MACROS): Action.NONE,
    (What.CONDITION, UNREAD): Action.NONE,
    (What.CONDITION, UNSCANNABLE): Action.JUNK,
}


class Ruling(NamedTuple):
    """What is to be done with a file, and which entry says so: `ending exe`."""

    action: Action
    entry: str


def level(rows: Iterable[Sequence[str]]) -> Level:
    """Entries as they are kept with a verdict: what, value, action."""
    return {(what, value): ACTIONS[action] for what, value, action in rows}


def ruling(fact: Mapping[str, Any], levels: Sequence[Level]) -> Ruling:
    """What is to be done with a file; `levels` are the domain's entries, then the server's."""
    everything = (*levels, USUAL)
    answers = [_first(everything, list(_properties(fact)))]
    answers += [_first(everything, [(What.CONDITION, one)]) for one in conditions(fact)]
    return max(answers, key=lambda answer: answer.action)


def group(fact: Mapping[str, Any]) -> str:
    """What opening the file does: one of `names.GROUPS`, `SOURCE`, or ""."""
    if member.INSTALLER in fact.get("marks", ()):
        return "installer"
    found: str = fact.get("group", "")
    if found == "script" and fact.get("among", 0) > SOURCE_FROM and not fact.get("tricks"):
        return SOURCE
    return found


def conditions(fact: Mapping[str, Any]) -> Iterator[str]:
    """What else is true of it."""
    marks = fact.get("marks", ())
    if fact.get("tricks"):
        yield DISGUISED
    if member.LOCKED in marks:
        yield ENCRYPTED
    if member.MACROS in marks:
        yield MACROS
    if member.UNREAD in marks:
        yield UNREAD
    if fact.get("why_not"):
        yield UNSCANNABLE


def _properties(fact: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((What.ENDING, ending) for ending in fact.get("endings", ()))
    yield What.TYPE, fact.get("declared", "")
    yield What.KIND, fact["kind"]
    yield What.GROUP, group(fact)


def _first(levels: Sequence[Level], keys: Sequence[tuple[str, str]]) -> Ruling:
    """The answer of the first level that has one; its hardest, if it has several."""
    for entries in levels:
        answers = [Ruling(entries[key], f"{key[0]} {key[1]}") for key in keys if key in entries]
        if answers:
            return max(answers, key=lambda answer: answer.action)
    return Ruling(Action.NONE, "")
