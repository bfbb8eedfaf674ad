"""What LIST and LSUB answer: names, levels that are no mailboxes, attributes. Pure.

RFC 3501 sections 6.3.8 and 6.3.9, RFC 3348 (CHILDREN), RFC 6154 (SPECIAL-USE).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
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


def list_all(
    names: Mapping[str, str], pattern: Pattern, *, only_special: bool = False
) -> list[Listed]:
    """Answer LIST for these mailboxes (name -> special use).

    A level that is no mailbox but has some below it is told as \\Noselect. With `only_special` only
    mailboxes with a special-use attribute are told (RFC 6154 section 2).
    """
    parents = {superior for name in names for superior in _superiors(name)}
    known = [*names, *sorted(parents.difference(names))]
    return [
        Listed(name, _attributes(name, names, parents))
        for name in known
        if pattern.matches(name) and (not only_special or names.get(name) in _USES)
    ]


def _attributes(name: str, names: Mapping[str, str], parents: set[str]) -> tuple[bytes, ...]:
    found = [b"\\HasChildren" if name in parents else b"\\HasNoChildren"]
    if name not in names:
        found.insert(0, b"\\Noselect")
    elif use := _USES.get(names[name]):
        found.append(use)
    return tuple(found)


def list_subscribed(
    subscribed: Iterable[str], mailboxes: Container[str], pattern: Pattern, *, text: str
) -> list[Listed]:
    """Answer LSUB.

    A name stays subscribed when its mailbox is gone, and is told as \\Noselect then. With `%` in
    the pattern so is a level that is not subscribed but has subscribed ones below it (section
    6.3.9).
    """
    names = list(subscribed)
    found = {
        name: Listed(name, () if name in mailboxes else (b"\\Noselect",))
        for name in names
        if pattern.matches(name)
    }
    if "%" in text:
        for superior in sorted({one for name in names for one in _superiors(name)}):
            if superior not in found and pattern.matches(superior):
                found[superior] = Listed(superior, (b"\\Noselect",))
    return list(found.values())
