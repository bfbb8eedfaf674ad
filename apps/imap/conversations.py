"""Threads messages: ORDEREDSUBJECT and REFERENCES (RFC 5256), REFS (draft-ietf-morg-inthread).

Pure. Works on numbers: Message-IDs and base subjects come as hashes, messages as places, rising. No
recursion, however deep a conversation is, and time that grows with messages and references: whether
a link would close a loop is asked only of messages that have replies, and all questions of one
THREAD together may take `STEPS_MAX` steps.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from apps.imap.pieces import stable_sorted

STEPS_MAX: Final = 20_000_000
"""Steps from message to parent that one THREAD takes to find loops; some seconds. Only mail made
for it takes more: then a link that would have to be looked at is not made."""

NO_ID: Final = 0
NO_SUBJECT: Final = 0


@dataclass(slots=True)
class Material:
    """What messages are threaded by, in mailbox order; arrays side by side.

    ids: hash of the Message-ID, NO_ID for none. references: hashes of all of them, those of message
    n from `ends[n - 1]` to `ends[n]`. subjects: hash of the collated base subject, NO_SUBJECT for
    an empty one. replies: 1 where the subject says that it is a reply or a forward.
    dates: Unix seconds of the Date field. arrivals: of the internal date.
    """

    ids: array[int] = field(default_factory=lambda: array("q"))
    references: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    subjects: array[int] = field(default_factory=lambda: array("q"))
    replies: bytearray = field(default_factory=bytearray)
    dates: array[int] = field(default_factory=lambda: array("q"))
    arrivals: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.ids)

    def extend(self, more: Material) -> None:
        """Add the messages that follow."""
        base = len(self.references)
        self.ids.extend(more.ids)
        self.references.extend(more.references)
        self.ends.extend([base + end for end in more.ends])
        self.subjects.extend(more.subjects)
        self.replies.extend(more.replies)
        self.dates.extend(more.dates)
        self.arrivals.extend(more.arrivals)

    def add(
        self,
        *,
        identifier: int = NO_ID,
        references: Iterable[int] = (),
        subject: int = NO_SUBJECT,
        is_reply: bool = False,
        date: int = 0,
        arrival: int = 0,
    ) -> None:
        """Add the message that follows."""
        self.ids.append(identifier)
        self.references.extend(references)
        self.ends.append(len(self.references))
        self.subjects.append(subject)
        self.replies.append(is_reply)
        self.dates.append(date)
        self.arrivals.append(arrival)


@dataclass(slots=True)
class Threads:
    """What was found: nodes from 0 to below `messages` are messages by place, others dummies.

    roots: of the threads, in their order; children: of the nodes that have some, in their order.
    """

    messages: int
    roots: list[int]
    children: dict[int, list[int]]


def ordered_subject(material: Material) -> Threads:
    """Poor man's threading: all with one base subject, the first of them above the others."""
    dates = material.dates
    groups: dict[int, list[int]] = {}
    for place, subject in enumerate(material.subjects):
        groups.setdefault(subject, []).append(place)
    roots: list[int] = []
    children: dict[int, list[int]] = {}
    for members in groups.values():
        if len(members) > 1:
            members = by_date(members, dates)
            children[members[0]] = members[1:]
        roots.append(members[0])
    roots = by_date(roots, dates)
    return Threads(len(material), roots, children)


def by_references(material: Material) -> Threads:
    """REFERENCES: by who answers whom, then by subjects, in the order of their first messages."""
    forest = _Forest(material)
    forest.link()
    roots = forest.pruned()
    roots = forest.sort(roots, material.dates)
    roots = _Subjects(forest, material).merged(roots)
    roots = forest.sort(roots, material.dates)
    return Threads(len(material), roots, forest.children)


def by_references_alone(material: Material) -> Threads:
    """REFS: by who answers whom, and nothing else; the thread with the newest message comes
    last."""
    forest = _Forest(material)
    forest.link()
    roots = forest.pruned()
    roots = forest.sort(roots, material.dates)
    newest = forest.newest(roots, material.dates)
    order = by_date(range(len(roots)), [date for date, _ in newest], [place for _, place in newest])
    roots = [roots[place] for place in order]
    return Threads(len(material), roots, forest.children)


def by_date(
    nodes: Sequence[int], dates: Sequence[int], places: Sequence[int] | None = None
) -> list[int]:
    """Sort by date, then by place in the mailbox (RFC 5256 section 2.2); by default a node is its
    place."""
    if places is None:
        return stable_sorted(stable_sorted(nodes, range(len(dates))), dates)
    return stable_sorted(stable_sorted(nodes, places), dates)


class _Forest:
    """Messages and dummies with their parents; children once `pruned` has made them."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self.parents = array("q", [-1]) * len(material)
        self._above = bytearray(len(material))  # has replies
        self._known: dict[int, int] = {}  # Message-ID -> node
        self._steps = STEPS_MAX
        self.children: dict[int, list[int]] = {}

    # -- step 1 -----------------------------------------------------------------------------------

    def link(self) -> None:
        """Make parents of references. A Message-ID belongs to the first message that has it."""
        material, start = self._material, 0
        self._name_nodes()
        for place, end in enumerate(material.ends):
            above = -1
            for identifier in material.references[start:end]:
                node = self._node(identifier)
                if above >= 0 and self.parents[node] < 0 and not self._is_above(node, above):
                    self._set_parent(node, above)
                above = node
            self._set_last(place, above)
            start = end

    def _name_nodes(self) -> None:
        """Which message a Message-ID means is known before the first link: references to a message
        that comes later in the mailbox go to it at once, as they would to its dummy."""
        for place, identifier in enumerate(self._material.ids):
            if identifier != NO_ID:
                self._known.setdefault(identifier, place)

    def _node(self, identifier: int) -> int:
        node = self._known.get(identifier)
        if node is None:
            node = self._known[identifier] = self.dummy()
        return node

    def dummy(self) -> int:
        """Make a node without a message."""
        self.parents.append(-1)
        self._above.append(0)
        return len(self.parents) - 1

    def _set_last(self, node: int, above: int) -> None:
        """Step 1.B: the last reference is the parent, whatever other messages said."""
        if above == self.parents[node]:
            return
        self.parents[node] = -1
        if above >= 0 and not self._is_above(node, above):
            self._set_parent(node, above)

    def _set_parent(self, node: int, above: int) -> None:
        self.parents[node] = above
        self._above[above] = 1

    def _is_above(self, node: int, other: int) -> bool:
        """Whether `other` is `node` or below it."""
        if node == other:
            return True
        if not self._above[node]:
            return False
        parents = self.parents
        while other >= 0:
            if other == node:
                return True
            other = parents[other]
            self._steps -= 1
            if self._steps < 0:
                return True
        return False

    # -- steps 2 and 3 ----------------------------------------------------------------------------

    def pruned(self) -> list[int]:
        """Make the children, without dummies but for those at the root that have several; return
        the roots."""
        count = len(self._material)
        anchors = self._anchors(count)
        children = self.children
        roots: list[int] = []
        for node, anchor in enumerate(anchors):
            if node < count and anchor != node:
                children.setdefault(anchor, []).append(node)
        for node, anchor in enumerate(anchors):
            if anchor != node:
                continue
            if node < count:
                roots.append(node)
            elif node in children:
                below = children[node]
                if len(below) == 1:
                    roots += children.pop(node)
                else:
                    roots.append(node)
        return roots

    def _anchors(self, count: int) -> array[int]:
        """The node that each hangs below in the end: the next message above it, or the top; of a
        root itself. Each step upwards is taken once."""
        parents = self.parents
        anchors = array("q", [-1]) * len(parents)
        for start in range(len(parents)):
            path: list[int] = []
            node = start
            while anchors[node] < 0:
                path.append(node)
                if parents[node] < 0:
                    break
                node = parents[node]
            for node in reversed(path):
                above = parents[node]
                if above < 0:
                    anchors[node] = node
                elif above < count or parents[above] < 0:
                    anchors[node] = above
                else:
                    anchors[node] = anchors[above]
        return anchors

    # -- steps 4 and 6 ----------------------------------------------------------------------------

    def sort(self, roots: list[int], dates: Sequence[int]) -> list[int]:
        """Sort siblings by date, then place; return the roots in that order, where a dummy counts
        as its first child."""
        count = len(self._material)
        for node, below in self.children.items():
            if len(below) > 1:
                self.children[node] = by_date(below, dates)
        firsts = [root if root < count else self.children[root][0] for root in roots]
        order = by_date(range(len(roots)), [dates[first] for first in firsts], firsts)
        return [roots[place] for place in order]

    def newest(self, roots: Sequence[int], dates: Sequence[int]) -> list[tuple[int, int]]:
        """The newest message of each thread: its date and its place."""
        count = len(self._material)
        newest: list[tuple[int, int]] = []
        for root in roots:
            best: tuple[int, int] | None = None
            waiting = [root]
            while waiting:
                node = waiting.pop()
                if node < count and (best is None or (dates[node], node) > best):
                    best = dates[node], node
                waiting += self.children.get(node, ())
            assert best is not None
            newest.append(best)
        return newest


class _Subjects:
    """Step 5: threads with the same base subject become one."""

    def __init__(self, forest: _Forest, material: Material) -> None:
        self._forest = forest
        self._material = material
        self._table: dict[int, int] = {}
        self._gone: set[int] = set()
        self._dummies: list[int] = []

    def merged(self, roots: Sequence[int]) -> list[int]:
        """Return the roots that remain, dummies made here included, in no order."""
        for root in roots:
            self._enter(root)
        for root in roots:
            self._merge(root)
        return [root for root in [*roots, *self._dummies] if root not in self._gone]

    def _is_dummy(self, node: int) -> bool:
        return node >= len(self._material)

    def _subject(self, node: int) -> int:
        first = self._forest.children[node][0] if self._is_dummy(node) else node
        return self._material.subjects[first]

    def _is_reply(self, node: int) -> bool:
        return bool(self._material.replies[node])

    def _enter(self, node: int) -> None:
        subject = self._subject(node)
        if subject == NO_SUBJECT:
            return
        held = self._table.setdefault(subject, node)
        if not self._is_dummy(held) and (
            self._is_dummy(node) or (self._is_reply(held) and not self._is_reply(node))
        ):
            self._table[subject] = node

    def _merge(self, node: int) -> None:
        subject = self._subject(node)
        held = self._table.get(subject, node) if subject != NO_SUBJECT else node
        if held == node:
            return
        children = self._forest.children
        if self._is_dummy(node) and self._is_dummy(held):
            children[held] += children.pop(node)
            self._gone.add(node)
        elif self._is_dummy(held) or (self._is_reply(node) and not self._is_reply(held)):
            children.setdefault(held, []).append(node)
            self._gone.add(node)
        else:
            both = self._forest.dummy()
            children[both] = [held, node]
            self._gone.update((held, node))
            self._dummies.append(both)
            self._table[subject] = both


def thread_line(threads: Threads, numbers: Sequence[int]) -> bytes:
    """The THREAD answer (RFC 5256 section 4).

    Args:
        numbers: of each message, by place: sequence numbers or UIDs.
    """
    out: list[bytes] = []
    for root in threads.roots:
        _write_thread(threads, numbers, root, out)
    return b"* THREAD%b%b\r\n" % (b" " if out else b"", b"".join(out))


def _write_thread(threads: Threads, numbers: Sequence[int], root: int, out: list[bytes]) -> None:
    children = threads.children
    close = -1
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node == close:
            out.append(b")")
            continue
        out.append(b"(")
        waiting.append(close)
        while True:  # down a branch as long as it does not part
            below: Sequence[int] = children.get(node, ())
            if node < threads.messages:
                out.append(b"%d " % numbers[node] if below else b"%d" % numbers[node])
            if len(below) != 1:
                waiting += reversed(below)
                break
            node = below[0]
