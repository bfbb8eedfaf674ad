"""What LIST and LSUB answer: names, levels that are no mailboxes, attributes. Pure.

RFC 3501 sections 6.3.8 and 6.3.9, RFC 3348 (CHILDREN), RFC 6154 (SPECIAL-USE).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.imap.proto.patterns import DELIMITER, Pattern

_USES = {
    "drafts": b"\\Drafts",
    "sent": b"\\Sent",
    "archive": b"\\Archive",
    "junk": b"\\Junk",
    "trash": b"\\Trash",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the answer."""

    name: str
    attributes: tuple[bytes, ...]


def _superiors(name: str) -> list[str]:
    levels = name.split(DELIMITER)
    return [DELIMITER.join(levels[:depth]) for depth in range(1, len(levels))]


def list_all(names: Mapping[str, str], pattern: Pattern) -> list[Listed]:
    """Answer LIST for these mailboxes (name -> special use).

    A level that is no mailbox but has some below it is told as \\Noselect.
    """
    parents = {superior for name in names for superior in _superiors(name)}
    known = [*names, *sorted(parents.difference(names))]
    return [
        Listed(name, _attributes(name, names, parents)) for name in known if pattern.matches(name)
    ]


def _attributes(name: str, names: Mapping[str, str], parents: set[str]) -> tuple[bytes, ...]:
    found = [b"\\HasChildren" if name in parents else b"\\HasNoChildren"]
    if name not in names:
        found.insert(0, b"\\Noselect")
    elif use := _USES.get(names[name]):
        found.append(use)
    return tuple(found)


def list_subscribed(subscribed: Iterable[str], pattern: Pattern, *, text: str) -> Sequence[Listed]:
    """Answer LSUB.

    With `%` in the pattern a level that is not subscribed but has subscribed ones below it is told
    as \\Noselect (section 6.3.9).
    """
    names = list(subscribed)
    found = {name: Listed(name, ()) for name in names if pattern.matches(name)}
    if "%" in text:
        for superior in sorted({one for name in names for one in _superiors(name)}):
            if superior not in found and pattern.matches(superior):
                found[superior] = Listed(superior, (b"\\Noselect",))
    return list(found.values())
