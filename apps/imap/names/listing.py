"""What LIST and LSUB answer: names, levels that are no mailboxes, attributes. Pure.

RFC 3501 sections 6.3.8 and 6.3.9, RFC 5258 (LIST-EXTENDED), RFC 3348 (CHILDREN), RFC 6154
(SPECIAL-USE). Whatever is asked, the work grows with mailboxes times patterns.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.imap.proto.patterns import DELIMITER, Pattern

USES = {
    "drafts": b"\\Drafts",
    "sent": b"\\Sent",
    "archive": b"\\Archive",
    "junk": b"\\Junk",
    "trash": b"\\Trash",
    "scheduled": b"\\Scheduled",
    "snoozed": b"\\Snoozed",
}
"""The attribute of each special use that there is (RFC 6154 section 2, and the registry of mailbox
name attributes)."""

_ROLES = {attribute.upper(): use for use, attribute in USES.items()}


def role_of(attributes: Sequence[bytes]) -> str | None:
    """Return the special use that attributes name, in any case, "" for none; None if a mailbox
    cannot have it, or cannot have as many."""
    if not attributes:
        return ""
    return _ROLES.get(attributes[0].upper()) if len(attributes) == 1 else None


@dataclass(frozen=True, slots=True)
class Box:
    """What LIST looks at in a mailbox.

    use: its special use for this user, empty for none.
    is_open: whether it may be selected.
    """

    use: str = ""
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """What LIST was asked for.

    criteria: the selection options SUBSCRIBED and SPECIAL-USE, of those that were given.
    recursive: the option RECURSIVEMATCH.
    tells_subscribed: the return option SUBSCRIBED, which the selection option implies.
    extended: the client knows what RFC 5258 brought.
    """

    patterns: Sequence[Pattern]
    criteria: Sequence[bytes] = ()
    recursive: bool = False
    tells_subscribed: bool = False
    extended: bool = False

    def matches(self, name: str) -> bool:
        """Whether any pattern does."""
        return any(pattern.matches(name) for pattern in self.patterns)

    def matches_all_below(self, name: str) -> bool:
        """Whether a pattern matches this and by its nature all names below it."""
        return any(pattern.is_open and pattern.matches(name) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the answer.

    is_selected: it meets the criteria itself; if not, only something below it does.
    has_selected: CHILDINFO: something below it meets the criteria.
    """

    name: str
    attributes: tuple[bytes, ...]
    is_selected: bool = True
    has_selected: bool = False


def _superiors(name: str) -> list[str]:
    levels = name.split(DELIMITER)
    return [DELIMITER.join(levels[:depth]) for depth in range(1, len(levels))]


def _above(names: Iterable[str]) -> set[str]:
    return {superior for name in names for superior in _superiors(name)}


def list_all(
    boxes: Mapping[str, Box], wanted: Wanted, subscribed: Collection[str] = ()
) -> list[Listed]:
    """Answer LIST.

    Args:
        boxes: all mailboxes that this user may see, by name.
        subscribed: names; only needed if SUBSCRIBED was asked for in one of its forms.
    """
    tree = _Tree(boxes, _above(boxes), frozenset(subscribed), wanted)
    selected = tree.selected(subscribed)
    shown = [name for name in selected if wanted.matches(name)]
    found = dict.fromkeys(shown)
    below: set[str] = set()
    if wanted.recursive:
        # Section 3.5: what is above something selected that is not shown itself. Example 9 of
        # section 5 has the mailboxes above what is shown by `*`, too, and not those above `*2`.
        below = _above(selected)
        extra = _above(set(selected).difference(found))
        extra |= {name for name in below if name in boxes and wanted.matches_all_below(name)}
    elif wanted.criteria:
        extra = set()
    else:
        # A level that is no mailbox. Who knows \NonExistent gets none that the names below it,
        # all shown, make known already (section 3, and example 11 of section 5).
        extra = _above(set(boxes).difference(found)) if wanted.extended else _above(boxes)
    levels = sorted(name for name in extra if name not in found and wanted.matches(name))
    return [
        *(Listed(name, tree.attributes(name), has_selected=name in below) for name in shown),
        *(
            Listed(
                name,
                tree.attributes(name),
                is_selected=not wanted.recursive,
                has_selected=wanted.recursive,
            )
            for name in levels
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Tree:
    """The names that there are, and what is asked of them."""

    boxes: Mapping[str, Box]
    parents: set[str]
    subscribed: frozenset[str]
    wanted: Wanted

    def selected(self, subscribed: Iterable[str]) -> list[str]:
        """The names that meet the criteria, whether they match a pattern or not."""
        criteria = self.wanted.criteria
        names = list(subscribed if b"SUBSCRIBED" in criteria else self.boxes)
        if b"SPECIAL-USE" in criteria:
            return [name for name in names if name in self.boxes and self.boxes[name].use in USES]
        return names

    def attributes(self, name: str) -> tuple[bytes, ...]:
        """All attributes of a name."""
        box = self.boxes.get(name)
        found: list[bytes] = []
        if box is None:
            found.append(b"\\NonExistent" if self.wanted.extended else b"\\Noselect")
        elif not box.is_open:
            found.append(b"\\Noselect")
        if self.wanted.tells_subscribed and name in self.subscribed:
            found.append(b"\\Subscribed")
        found.append(b"\\HasChildren" if name in self.parents else b"\\HasNoChildren")
        if box is not None and box.use in USES:
            found.append(USES[box.use])
        return tuple(found)


def attributes_of(name: str, boxes: Mapping[str, Box]) -> tuple[bytes, ...]:
    """The attributes of one name, as a client is told them that knows RFC 5258."""
    wanted = Wanted((), extended=True)
    parents = {name} if any(one.startswith(name + DELIMITER) for one in boxes) else set()
    return _Tree(boxes, parents, frozenset(), wanted).attributes(name)


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
        for superior in sorted(_above(names)):
            if superior not in found and pattern.matches(superior):
                found[superior] = Listed(superior, (b"\\Noselect",))
    return list(found.values())
