"""Threads messages: ORDEREDSUBJECT and REFERENCES (RFC 5256), REFS (draft-ietf-morg-inthread).

Pure. Works on numbers: Message-IDs and base subjects come as hashes, messages as places, rising. No
recursion, however deep a conversation is, and time that grows with messages and references: whether
a link would close a loop is asked only of messages that have replies, and all questions of one
THREAD together may take `STEPS_MAX` steps.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from apps.imap.search.pieces import stable_sorted

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
    dates: Unix seconds of the Date field.
    """

    ids: array[int] = field(default_factory=lambda: array("q"))
    references: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    subjects: array[int] = field(default_factory=lambda: array("q"))
    replies: bytearray = field(default_factory=bytearray)
    dates: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.ids)


class Threads:
    """What was found: nodes from 0 to below `messages` are messages by place, others dummies.

    Children are chained through two arrays: a list for each node would be a hundred thousand
    objects, which the garbage collector stops all threads to look at.
    """

    __slots__ = ("_first", "_next", "messages", "roots")

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self.roots: list[int] = []  # of the threads, in their order
        self._first = array("q", [-1]) * messages
        self._next = array("q", [-1]) * messages

    def grow(self) -> int:
        """Add a dummy without children."""
        self._first.append(-1)
        self._next.append(-1)
        return len(self._first) - 1

    def put_first(self, node: int, above: int) -> None:
        """Make a node the first child of another."""
        self._next[node] = self._first[above]
        self._first[above] = node

    def put_all(self, nodes: Sequence[int], above: int) -> None:
        """Make these all the children of a node, in their order."""
        self._first[above] = -1
        for node in reversed(nodes):
            self.put_first(node, above)

    def first(self, node: int) -> int:
        """The first child of a node, -1 if it has none."""
        return self._first[node]

    def has_one(self, node: int) -> bool:
        """Whether a node with children has a single one."""
        return self._next[self._first[node]] < 0

    def below(self, node: int) -> list[int]:
        """The children of a node, in their order."""
        children: list[int] = []
        child = self._first[node]
        while child >= 0:
            children.append(child)
            child = self._next[child]
        return children


def ordered_subject(material: Material) -> Threads:
    """Poor man's threading: all with one base subject, the first of them above the others."""
    threads = Threads(len(material))
    order = by_date(range(len(material)), material.dates)
    heads: dict[int, int] = {}
    for place in order:
        if heads.setdefault(material.subjects[place], place) == place:
            threads.roots.append(place)
    for place in reversed(order):
        head = heads[material.subjects[place]]
        if head != place:
            threads.put_first(place, head)
    return threads


def by_references(material: Material) -> Threads:
    """REFERENCES: by who answers whom, then by subjects, in the order of their first messages."""
    forest = _Forest(material)
    roots = forest.sorted(forest.pruned(forest.linked()))
    forest.threads.roots = forest.sorted(_Subjects(forest, material).merged(roots))
    return forest.threads


def by_references_alone(material: Material) -> Threads:
    """REFS: by who answers whom, and nothing else; the thread with the newest message comes last,
    and of those with equally new ones the one whose first message stands last in the mailbox."""
    forest = _Forest(material)
    roots = forest.pruned(forest.linked())
    newest = [forest.newest(root) for root in roots]
    order = by_date(range(len(roots)), newest, forest.firsts(roots))
    forest.threads.roots = [roots[place] for place in order]
    return forest.threads


def by_date(
    nodes: Sequence[int], dates: Sequence[int], places: Sequence[int] | None = None
) -> list[int]:
    """Sort by date, then by place in the mailbox (RFC 5256 section 2.2); by default a node is its
    place."""
    by_place = sorted(nodes) if places is None else stable_sorted(nodes, places.__getitem__)
    return stable_sorted(by_place, dates.__getitem__)


class _Forest:
    """Messages and dummies: their parents, then the threads they make."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._above = bytearray(len(material))  # has replies
        self._known: dict[int, int] = {}  # Message-ID -> node
        self._steps = STEPS_MAX
        self._parents = array("q", [-1]) * len(material)
        self.threads = Threads(len(material))

    # -- step 1 -----------------------------------------------------------------------------------

    def linked(self) -> array[int]:
        """Return the parent of each node, -1 for none, by its references."""
        material, start = self._material, 0
        self._name_nodes()
        for place, end in enumerate(material.ends):
            above = -1
            for identifier in material.references[start:end]:
                node = self._node(identifier)
                if above >= 0 and self._parents[node] < 0 and not self._is_above(node, above):
                    self._set_parent(node, above)
                above = node
            self._set_last(place, above)
            start = end
        return self._parents

    def _name_nodes(self) -> None:
        """A Message-ID belongs to the first message that has it. Which one that is must be known
        before the first link: a reference may be to a message that comes later."""
        for place, identifier in enumerate(self._material.ids):
            if identifier != NO_ID:
                self._known.setdefault(identifier, place)

    def _node(self, identifier: int) -> int:
        node = self._known.get(identifier)
        if node is None:
            node = self._known[identifier] = self.threads.grow()
            self._parents.append(-1)
            self._above.append(0)
        return node

    def _set_last(self, node: int, above: int) -> None:
        """Step 1.B: the last reference is the parent, whatever other messages said."""
        if above == self._parents[node]:
            return
        self._parents[node] = -1
        if above >= 0 and not self._is_above(node, above):
            self._set_parent(node, above)

    def _set_parent(self, node: int, above: int) -> None:
        self._parents[node] = above
        self._above[above] = 1

    def _is_above(self, node: int, other: int) -> bool:
        """Whether `other` is `node` or below it."""
        if node == other:
            return True
        if not self._above[node]:
            return False
        parents = self._parents
        while other >= 0:
            if other == node:
                return True
            other = parents[other]
            self._steps -= 1
            if self._steps < 0:
                return True
        return False

    # -- steps 2 and 3 ----------------------------------------------------------------------------

    def pruned(self, parents: Sequence[int]) -> list[int]:
        """Make the threads, siblings by date, without dummies but for those at the root that have
        several children; return the roots."""
        count, threads = len(self._material), self.threads
        anchors = self._anchors(parents)
        for node in reversed(by_date(range(count), self._material.dates)):
            if anchors[node] != node:
                threads.put_first(node, anchors[node])
        roots: list[int] = []
        for node, anchor in enumerate(anchors):
            if anchor != node:
                continue
            if node < count:
                roots.append(node)
            elif threads.first(node) >= 0:
                roots.append(threads.first(node) if threads.has_one(node) else node)
        return roots

    def _anchors(self, parents: Sequence[int]) -> array[int]:
        """The node that each hangs below in the end: the next message above it, or the top; of a
        root itself. Each step upwards is taken once."""
        count = len(self._material)
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

    def sorted(self, roots: Sequence[int]) -> list[int]:
        """Return roots by date; a dummy counts as its first child."""
        dates, firsts = self._material.dates, self.firsts(roots)
        order = by_date(range(len(roots)), [dates[first] for first in firsts], firsts)
        return [roots[place] for place in order]

    def firsts(self, roots: Sequence[int]) -> list[int]:
        """The first message of each thread: of a dummy its first child."""
        count = len(self._material)
        return [root if root < count else self.threads.first(root) for root in roots]

    def newest(self, root: int) -> int:
        """The latest date of a thread."""
        dates, count = self._material.dates, len(self._material)
        latest, waiting = dates[self.firsts([root])[0]], [root]
        while waiting:
            node = waiting.pop()
            if node < count:
                latest = max(latest, dates[node])
            waiting += self.threads.below(node)
        return latest


class _Subjects:
    """Step 5: threads with the same base subject become one."""

    def __init__(self, forest: _Forest, material: Material) -> None:
        self._threads = forest.threads
        self._material = material
        self._table: dict[int, int] = {}
        self._gone: set[int] = set()
        self._dummies: list[int] = []
        self._added: dict[int, list[int]] = {}

    def merged(self, roots: Sequence[int]) -> list[int]:
        """Return the roots that remain, dummies made here included, in no order."""
        for root in roots:
            self._enter(root)
        for root in roots:
            self._merge(root)
        for node, added in self._added.items():
            children = [*self._threads.below(node), *added]
            self._threads.put_all(by_date(children, self._material.dates), node)
        return [root for root in [*roots, *self._dummies] if root not in self._gone]

    def _is_dummy(self, node: int) -> bool:
        return node >= len(self._material)

    def _subject(self, node: int) -> int:
        first = self._threads.first(node) if self._is_dummy(node) else node
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
        self._gone.add(node)
        if self._is_dummy(node):  # then the other is one too: a dummy comes before a message
            self._add(held, self._threads.below(node))
        elif self._is_dummy(held) or (self._is_reply(node) and not self._is_reply(held)):
            self._add(held, [node])
        else:
            both = self._threads.grow()
            self._add(both, [held, node])
            self._gone.add(held)
            self._dummies.append(both)
            self._table[subject] = both

    def _add(self, node: int, children: Sequence[int]) -> None:
        self._added.setdefault(node, []).extend(children)


@dataclass(frozen=True, slots=True)
class Written:
    """A THREAD answer with places for the numbers, so that it serves for sequence numbers and UIDs.

    text: with %d for each message. places: which message each stands for.
    """

    text: bytes
    places: array[int]

    def line(self, numbers: Sequence[int]) -> bytes:
        """The answer (RFC 5256 section 4).

        Args:
            numbers: of each message, by place: sequence numbers or UIDs.
        """
        told = self.text % tuple(map(numbers.__getitem__, self.places))
        return b"* THREAD%b%b\r\n" % (b" " if told else b"", told)


def written(threads: Threads) -> Written:
    """Write threads down."""
    out: list[bytes] = []
    places = array("I")
    for root in threads.roots:
        _write_thread(threads, root, out, places)
    return Written(b"".join(out), places)


def _write_thread(threads: Threads, root: int, out: list[bytes], places: array[int]) -> None:
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
            below = threads.first(node)
            if node < threads.messages:
                places.append(node)
                out.append(b"%d " if below >= 0 else b"%d")
            if below < 0:
                break
            if not threads.has_one(node):
                waiting += reversed(threads.below(node))
                break
            node = below
