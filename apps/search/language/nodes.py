"""What a query asks, as a tree.

Every node is a value: two queries that ask the same in the same order are equal, however they were
typed. `apps.search.language.parsing` makes only trees of bounded depth and breadth, so whoever
walks one may call itself.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum


class Where(StrEnum):
    """What a text is looked for in; the value is the operator, empty for none."""

    ANYWHERE = ""  # people, subject, body and names of files; not the other header fields
    FROM = "from"
    TO = "to"  # whoever got it: To, Cc and Bcc
    CC = "cc"
    BCC = "bcc"
    SUBJECT = "subject"
    BODY = "body"
    FILENAME = "filename"


class Mark(Enum):
    """What `is:` asks: the word for it, and the word for its opposite if there is one."""

    READ = ("read", "unread")
    STARRED = ("starred", "unstarred")
    ANSWERED = ("answered", "unanswered")
    FORWARDED = ("forwarded", "")
    DRAFT = ("draft", "")
    DELETED = ("deleted", "")


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it was typed; it stands there as a part of words too, without regard to case and
    accents."""

    where: Where
    text: str


@dataclass(frozen=True, slots=True)
class Mine:
    """`from:me`: the address of whoever asks."""

    where: Where


@dataclass(frozen=True, slots=True)
class Is:
    """A flag, or what a client says by a keyword."""

    mark: Mark


@dataclass(frozen=True, slots=True)
class Attached:
    """`has:attachment`."""


@dataclass(frozen=True, slots=True)
class Label:
    """A keyword by its name, without regard to case; the empty name is any label."""

    name: str


@dataclass(frozen=True, slots=True)
class In:
    """A mailbox by its name or its role; the empty name is any, Junk and Trash too."""

    name: str


@dataclass(frozen=True, slots=True)
class Days:
    """When it came: on `first` or later, before `until`; on the calendar of whoever asks."""

    first: date | None
    until: date | None


@dataclass(frozen=True, slots=True)
class Octets:
    """More octets than this, or fewer."""

    is_larger: bool
    octets: int


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    one: "Node"


@dataclass(frozen=True, slots=True)
class Every:
    """All of two or more."""

    many: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of two or more."""

    many: tuple["Node", ...]


Leaf = Text | Mine | Is | Attached | Label | In | Days | Octets
Node = Leaf | Not | Every | Some


@dataclass(frozen=True, slots=True)
class Hint:
    """A remark for whoever typed: something was not taken as it may have been meant.

    Args:
        code: stable, for programs.
        text: a sentence.
        start, end: what it is about, in characters of the query.
    """

    code: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Factor:
    """One of the things that all must hold, and where it stands in the query."""

    node: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Query:
    """A query, understood. Without factors it asks for everything."""

    text: str
    factors: tuple[Factor, ...]
    hints: tuple[Hint, ...]

    def leaves(self) -> list[Leaf]:
        """All leaves, in the order in which they stand; some may be equal."""
        found: list[Leaf] = []
        waiting: list[Node] = [factor.node for factor in reversed(self.factors)]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Not):
                waiting.append(node.one)
            elif isinstance(node, Every | Some):
                waiting.extend(reversed(node.many))
            else:
                found.append(node)
        return found


def opposite(node: Node) -> Node:
    """Not this; twice not is the thing itself."""
    return node.one if isinstance(node, Not) else Not(node)
