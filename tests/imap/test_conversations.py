"""Threads: the RFC's own examples, and a plain reading of RFC 5256 step by step beside ours."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.imap.search import conversations
from apps.imap.search.conversations import (
    Material,
    Threads,
    by_references,
    by_references_alone,
    ordered_subject,
    written,
)
from tests.support.cost import spent


@dataclass
class Mail:
    """A message as the tests write it; references by Message-ID, 0 is none."""

    identifier: int
    references: list[int]
    subject: int
    is_reply: bool
    date: int


def material_of(mails: list[Mail]) -> Material:
    return Material(
        ids=array("q", [mail.identifier for mail in mails]),
        references=array("q", [one for mail in mails for one in mail.references]),
        ends=array("q", accumulate(len(mail.references) for mail in mails)),
        subjects=array("q", [mail.subject for mail in mails]),
        replies=bytearray([mail.is_reply for mail in mails]),
        dates=array("q", [mail.date for mail in mails]),
    )


def shown(threads: Threads, count: int) -> str:
    return written(threads).line(range(1, count + 1)).decode().strip()


# -- a plain reading ------------------------------------------------------------------------------


@dataclass(eq=False)
class Node:
    number: int = 0  # 0 is a dummy
    mail: Mail | None = None
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)

    def has(self, other: Node) -> bool:
        return other is self or any(child.has(other) for child in self.children)

    def adopt(self, child: Node) -> None:
        if child.parent is not None:
            child.parent.children.remove(child)
        child.parent = self
        self.children.append(child)

    @property
    def key(self) -> tuple[int, int]:
        return (self.mail.date, self.number) if self.mail else self.children[0].key

    @property
    def subject(self) -> int:
        return self.mail.subject if self.mail else self.children[0].subject

    def text(self) -> str:
        below = [child.text() for child in self.children]
        inner = below[0] if len(below) == 1 else "".join(f"({one})" for one in below)
        return " ".join(part for part in (str(self.number) if self.mail else "", inner) if part)


def plain_ancestry(known: dict[int, Node], nodes: list[Node], mail: Mail) -> Node | None:
    above: Node | None = None
    for identifier in mail.references:
        one = known.setdefault(identifier, Node())
        nodes.append(one)
        if above is not None and one.parent is None and not one.has(above):
            above.adopt(one)
        above = one
    return above


def plain_links(mails: list[Mail]) -> Node:
    known: dict[int, Node] = {}
    nodes: list[Node] = []
    for number, mail in enumerate(mails, 1):
        node = known.get(mail.identifier) if mail.identifier else None
        if node is None or node.mail:
            node = Node()
            if mail.identifier:
                known.setdefault(mail.identifier, node)
        node.number, node.mail = number, mail
        nodes.append(node)
        above = plain_ancestry(known, nodes, mail)
        if node.parent is not None and node.parent is not above:
            node.parent.children.remove(node)
            node.parent = None
        if above is not None and node.parent is None and not node.has(above):
            above.adopt(node)
    root = Node()
    for node in dict.fromkeys(nodes):
        if node.parent is None:
            root.adopt(node)
    return root


def prune(node: Node, *, at_root: bool) -> None:
    for child in list(node.children):
        prune(child, at_root=False)
        if child.mail is None and (not at_root or len(child.children) < 2):
            node.children.remove(child)
            for below in list(child.children):
                below.parent = node
                node.children.append(below)


def sort_below(node: Node) -> None:
    for child in node.children:
        sort_below(child)
    node.children.sort(key=lambda child: child.key)


def merge_subjects(root: Node) -> None:
    table: dict[int, Node] = {}
    for node in root.children:
        if not node.subject:
            continue
        held = table.setdefault(node.subject, node)
        if held.mail and (not node.mail or (held.mail.is_reply and not node.mail.is_reply)):
            table[node.subject] = node
    for node in list(root.children):
        held = table.get(node.subject, node)
        if not node.subject or held is node:
            continue
        if node.mail is None and held.mail is None:
            for child in list(node.children):
                held.adopt(child)
            root.children.remove(node)
        elif held.mail is None or (
            node.mail is not None and node.mail.is_reply and not held.mail.is_reply
        ):
            held.adopt(node)
        else:
            both = Node()
            table[node.subject] = both
            for one in (held, node):
                both.adopt(one)
            root.adopt(both)


def plain_references(mails: list[Mail]) -> str:
    root = plain_links(mails)
    prune(root, at_root=True)
    sort_below(root)
    merge_subjects(root)
    sort_below(root)
    return " ".join(["* THREAD", "".join(f"({one.text()})" for one in root.children)]).strip()


IDS = st.integers(0, 8)
MAILS = st.lists(
    st.builds(
        Mail,
        IDS,
        st.lists(st.integers(1, 9), max_size=4),
        st.integers(0, 3),
        st.booleans(),
        st.integers(1, 6),
    ),
    max_size=12,
)


@given(MAILS)
def test_it_threads_as_a_plain_reading_does(mails: list[Mail]) -> None:
    assert shown(by_references(material_of(mails)), len(mails)) == plain_references(mails)


@given(MAILS)
def test_it_tells_every_message_once(mails: list[Mail]) -> None:
    material = material_of(mails)
    for make in (by_references, by_references_alone, ordered_subject):
        line = shown(make(material), len(mails)).removeprefix("* THREAD")
        numbers = line.replace("(", " ").replace(")", " ").split()
        assert sorted(map(int, numbers)) == list(range(1, len(mails) + 1))


# -- the RFC's own --------------------------------------------------------------------------------


def mails_of(*rows: tuple[int, list[int]]) -> list[Mail]:
    return [Mail(identifier, above, 0, False, identifier) for identifier, above in rows]


def test_it_writes_the_example_of_the_thread_response() -> None:
    """RFC 5256 section 4."""
    above = {2: [], 3: [], 6: [3], 4: [6], 23: [4], 44: [6], 7: [44], 96: [7]}
    order = [2, 3, 6, 4, 23, 44, 7, 96]
    mails = [Mail(one, above[one], 0, False, place) for place, one in enumerate(order)]
    threads = by_references(material_of(mails))
    assert written(threads).line(order) == b"* THREAD (2)(3 6 (4 23)(44 7 96))\r\n"


def test_it_keeps_siblings_of_a_parent_that_is_not_there() -> None:
    threads = by_references(material_of(mails_of((3, [1]), (5, [1]))))
    assert written(threads).line([3, 5]) == b"* THREAD ((3)(5))\r\n"


def test_it_has_no_grandchildren_in_ordered_subject() -> None:
    mails = [Mail(0, [], subject, False, 9) for subject in (1, 2, 1, 1, 2)]
    mails.append(Mail(0, [], 2, False, 1))
    assert shown(ordered_subject(material_of(mails)), 6) == "* THREAD (6 (2)(5))(1 (3)(4))"


def test_it_puts_the_thread_with_the_newest_message_last_in_refs() -> None:
    mails = [Mail(1, [], 7, False, 1), Mail(2, [], 7, False, 2), Mail(3, [1], 7, True, 3)]
    assert shown(by_references_alone(material_of(mails)), 3) == "* THREAD (2)(1 3)"


def test_it_tells_nothing_of_nothing() -> None:
    assert written(by_references(Material())).line([]) == b"* THREAD\r\n"


def _chain(count: int) -> list[Mail]:
    return mails_of(*[(place, [place - 1] if place > 1 else []) for place in range(1, count + 1)])


def _hostile(count: int) -> list[Mail]:
    """Each asks whether the end of a long chain lies below a message that has answers."""
    mails = _chain(count)
    for place in range(count):
        mails.append(Mail(10**6 + place, [2 * 10**6 + place], 0, False, 1))
        mails.append(Mail(0, [count, 2 * 10**6 + place], 0, False, 1))
    return mails


@pytest.mark.parametrize("make", [by_references, by_references_alone])
@pytest.mark.parametrize("mails", [_chain(20_000), _hostile(4_000)], ids=["chain", "hostile"])
def test_it_takes_no_longer_for_deep_conversations(
    make: object, mails: list[Mail], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(make)
    monkeypatch.setattr(conversations, "STEPS_MAX", 200_000)
    material = material_of(mails)
    with spent() as took:
        line = written(make(material)).line(range(len(mails)))
    assert took.seconds < 3
    assert line.count(b"(") == line.count(b")") > 0
