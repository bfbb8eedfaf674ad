"""The mailboxes of a user as a client was told of them, and what to tell of the changes. Pure.

What happened is found by comparing two pictures: a mailbox keeps its id when its name is another
(RFC 5465 sections 5.4, 5.5). Each name is told once, as it is now, however much happened to it.
Only where what a renaming takes along makes a client believe what is not is a name told again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from apps.imap.proto.notify import Events
from apps.imap.proto.patterns import DELIMITER

_USES = {
    "drafts": b"\\Drafts",
    "sent": b"\\Sent",
    "archive": b"\\Archive",
    "junk": b"\\Junk",
    "trash": b"\\Trash",
    "scheduled": b"\\Scheduled",
    "snoozed": b"\\Snoozed",
}


class Box(NamedTuple):
    """A mailbox that the user may list; `is_readable` with the right `r` (RFC 4314)."""

    name: str
    use: str
    is_personal: bool
    is_readable: bool


@dataclass(frozen=True)
class Picture:
    """All mailboxes by id, and the names that are subscribed to."""

    boxes: Mapping[int, Box]
    subscribed: frozenset[str]

    @cached_property
    def ids(self) -> dict[str, int]:
        """The mailboxes by name."""
        return {box.name: mailbox_id for mailbox_id, box in self.boxes.items()}

    @cached_property
    def parents(self) -> frozenset[str]:
        """Names that have mailboxes below them."""
        found: set[str] = set()
        for box in self.boxes.values():
            name = box.name
            while (name := parent_of(name)) and name not in found:
                found.add(name)
        return frozenset(found)

    def box(self, name: str) -> Box | None:
        """Return the mailbox of that name."""
        mailbox_id = self.ids.get(name)
        return None if mailbox_id is None else self.boxes[mailbox_id]


class Line(NamedTuple):
    """A LIST response; `old_name` as OLDNAME, unless it is empty."""

    name: str
    attributes: tuple[bytes, ...]
    old_name: str = ""


class Differences(NamedTuple):
    """What to tell, and the mailboxes whose state a client then has from another one."""

    lines: list[Line]
    mistaken: frozenset[int]


Wanted = Callable[[Picture, str], Events]
"""What the client wants to be told of a name, as it stands in a picture."""


def parent_of(name: str) -> str:
    """Return the name one level up, empty at the top."""
    return name.rpartition(DELIMITER)[0]


_NEW = 0  # no mailbox's id: what a client believes to be there and empty


class _Believer:
    """What a client knows that takes along all below a renamed level, subscriptions too."""

    def __init__(self, picture: Picture) -> None:
        self.boxes = dict(picture.ids)
        self.subscribed = set(picture.subscribed)
        self._below: dict[str, set[str]] = defaultdict(set)  # levels, also such as are no more
        for name in (*self.boxes, *self.subscribed):
            self._place(name)

    def _place(self, name: str) -> None:
        while (above := parent_of(name)) and name not in self._below[above]:
            self._below[above].add(name)
            name = above

    def hear(self, line: Line, new: Picture) -> None:
        """Believe a line that tells how it is in `new`."""
        if line.old_name:
            self._rename(line.old_name, line.name)
        if line.name in new.ids:
            self.boxes.setdefault(line.name, _NEW)
        else:
            self.boxes.pop(line.name, None)
        self.subscribed.discard(line.name)
        if line.name in new.subscribed:
            self.subscribed.add(line.name)
        self._place(line.name)

    def _rename(self, old: str, new: str) -> None:
        family = [old]
        for level in family:
            family.extend(self._below.get(level, ()))
        boxes = {one: self.boxes.pop(one) for one in family if one in self.boxes}
        subscribed = self.subscribed.intersection(family)
        self.subscribed -= subscribed
        for name in {*boxes, *subscribed}:
            later = new + name[len(old) :]
            if name in boxes:
                self.boxes[later] = boxes[name]
            if name in subscribed:
                self.subscribed.add(later)
            self._place(later)


@dataclass
class _Telling:
    """The lines that tell how one picture became another."""

    old: Picture
    new: Picture
    wanted: Wanted
    names: dict[str, str] = field(default_factory=dict)  # to be told -> its old name
    no_access: set[str] = field(default_factory=set)

    def wants(self, name: str, event: Events) -> bool:
        """Whether the client does, by what the name was or is."""
        return bool((self.wanted(self.old, name) | self.wanted(self.new, name)) & event)

    def add(self, name: str, event: Events) -> None:
        """Tell of a name if the client wants that."""
        if name not in self.names and self.wants(name, event):
            self.names[name] = ""

    def compare_names(self) -> dict[str, str]:
        """Find what was made, deleted and renamed; return the new names by the old ones."""
        moved = {
            self.old.boxes[one].name: self.new.boxes[one].name
            for one in self.old.boxes.keys() & self.new.boxes.keys()
            if self.old.boxes[one].name != self.new.boxes[one].name
        }
        gone = [self.old.boxes[one] for one in self.old.boxes.keys() - self.new.boxes.keys()]
        lost = sorted(box.name for box in gone if box.name not in self.new.ids)
        for name in lost:  # first: a renaming takes along what the client believes to be there
            self.add(name, Events.MAILBOX_NAME)
        alone = {one: to for one, to in moved.items() if not _went_along(one, to, moved)}
        for before, after in _in_order(alone):
            if self.wants(before, Events.MAILBOX_NAME) or self.wants(after, Events.MAILBOX_NAME):
                self.names[after] = before
        self._made_and_deleted(gone)
        return moved

    def _made_and_deleted(self, gone: list[Box]) -> None:
        made = [self.new.boxes[one] for one in self.new.boxes.keys() - self.old.boxes.keys()]
        affected = sorted(box.name for box in (*made, *gone))
        for name in affected:
            self.add(name, Events.MAILBOX_NAME)
        for name in affected:  # section 5.4: and the level right above, mailbox or not
            if parent := parent_of(name):
                self.add(parent, Events.MAILBOX_NAME)
        for box in gone:
            # Deleted, or a right taken away: the client cannot know which.
            if not box.is_personal and box.name not in self.new.ids:
                self.no_access.add(box.name)
                self.add(box.name, ~Events.NONE)

    def compare_access(self) -> None:
        """Find what can be read no more, or again (section 5.9)."""
        for mailbox_id, box in self.new.boxes.items():
            before = self.old.boxes.get(mailbox_id)
            if before is not None and before.is_readable != box.is_readable:
                self.add(box.name, ~Events.NONE)

    def compare_subscriptions(self, moved: Mapping[str, str]) -> None:
        """Find what was subscribed to or no more; not what a renaming took along."""
        before = {moved.get(name, name) for name in self.old.subscribed}
        for name in sorted(before ^ self.new.subscribed):
            self.add(name, Events.SUBSCRIPTION_CHANGE)

    def lines(self) -> Iterable[Line]:
        """The lines, in the order in which things were found."""
        for name, old_name in self.names.items():
            attributes = attributes_of(self.new, name)
            if name in self.no_access:
                attributes += (b"\\NoAccess",)
            yield Line(name, attributes, old_name)

    def all(self) -> Differences:
        """The lines, and the names once more of which a client would believe what is not."""
        lines = list(self.lines())
        client = _Believer(self.old)
        for line in lines:
            client.hear(line, self.new)
        wrong = dict.fromkeys(client.boxes.keys() ^ self.new.ids.keys(), Events.MAILBOX_NAME)
        for name in client.subscribed ^ self.new.subscribed:
            wrong[name] = wrong.get(name, Events.NONE) | Events.SUBSCRIPTION_CHANGE
        again = sorted(name for name, event in wrong.items() if self.wants(name, event))
        lines += [Line(name, attributes_of(self.new, name)) for name in again]
        for name in again:
            client.boxes.setdefault(name, _NEW)
        mistaken = [
            one
            for name, one in self.new.ids.items()
            if name in client.boxes
            and client.boxes[name] != (one if one in self.old.boxes else _NEW)
        ]
        return Differences(lines, frozenset(mistaken))


def _in_order(moved: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Renamings so that none takes along, or writes over, what has a renaming of its own to come:
    the deepest first, but a name is left before it is taken. Names that were exchanged have no such
    order."""
    left = dict(moved)
    for name in sorted(moved, key=lambda one: -one.count(DELIMITER)):
        chain = []
        before = name
        while before in left:
            after = left.pop(before)
            chain.append((before, after))
            before = after
        yield from reversed(chain)


def _went_along(before: str, after: str, moved: Mapping[str, str]) -> bool:
    """Whether a level above was renamed and took this one along: that is not told (section 5.4)."""
    above = before
    while above := parent_of(above):
        if moved.get(above, "") + before[len(above) :] == after and above in moved:
            return True
    return False


def differences(old: Picture, new: Picture, wanted: Wanted) -> Differences:
    """Return what to tell a client that knows `old` and wants `wanted`."""
    telling = _Telling(old, new, wanted)
    moved = telling.compare_names()
    telling.compare_access()
    telling.compare_subscriptions(moved)
    if moved:
        return telling.all()
    others = [one for name, one in new.ids.items() if old.ids.get(name, one) != one]
    return Differences(list(telling.lines()), frozenset(others))


def attributes_of(picture: Picture, name: str) -> tuple[bytes, ...]:
    """Return the attributes of LIST for a name, whether there is such a mailbox or not."""
    box = picture.box(name)
    found: list[bytes] = []
    if box is None:
        found.append(b"\\NonExistent")
    elif not box.is_readable:
        found.append(b"\\NoAccess")
    if name in picture.subscribed:
        found.append(b"\\Subscribed")
    if name in picture.parents:
        found.append(b"\\HasChildren")
    elif box is not None:
        found.append(b"\\HasNoChildren")
    if box is not None and box.use in _USES:
        found.append(_USES[box.use])
    return tuple(found)
