"""What a search index promises, whatever it is made of.

An index keeps the folded texts of pairs of an owner and a message. It never looks at mail or at
rights, and decides nothing: `apps.search.indexing` says what it holds, `apps.search.asking` what
its answers are worth.
"""

from collections.abc import Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from apps.mime.searchtext import SearchText
from apps.search.base import Term


class Pair(NamedTuple):
    """A message among the mail of an owner."""

    owner_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Row:
    """What the index is to know of a pair.

    Args:
        text: None if it cannot keep any: the message has to be scanned whenever it is asked for.
    """

    pair: Pair
    text: SearchText | None


class Stamp(NamedTuple):
    """Which filling of the index this is, and how many batches were written since it began."""

    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, all of it of one moment.

    Args:
        stamp: of the index at that moment; None if there is no index.
        apart: messages of the owner that the index keeps no text of: they have to be scanned.
        hits: for each term the messages whose text has it; None if looking that up in the index
            would take longer than a scan.
    """

    stamp: Stamp | None
    apart: Set[int]
    hits: tuple[Set[int] | None, ...]


class Backend(Protocol):
    """A search index. Every method may raise StorageUnavailable or StorageFull."""

    def turn(self) -> AbstractContextManager[bool]:
        """Whether this process may write now: only one may at a time. Within, and only if so,
        `stamp`, `begin` and `write` are allowed; what is read of the database and what `write`
        does stays true of each other.

        On Postgres it is a transaction of the database, so that the index and what settles its
        batches are committed together. Elsewhere no transaction is open, and each `write` is
        durable when it returns: before the database hears that it was done.
        """

    def stamp(self) -> Stamp | None:
        """The stamp as it is; None if there is no index, or no usable one."""

    def begin(self, epoch: int) -> None:
        """Throw all away and begin as `Stamp(epoch, 0)`."""

    def write(self, rows: Sequence[Row], gone: Sequence[Pair]) -> None:
        """Put rows in the place of whatever there is of their pairs, and take the pairs of `gone`
        out; pairs stand once in both together. The number of the stamp rises by one."""

    def find(self, owner_id: int, terms: Sequence[Term]) -> Found:
        """Look terms up. Never waits for a writer."""

    def texts(self, owner_id: int, message_ids: Sequence[int]) -> dict[int, SearchText | None]:
        """What is kept of these messages, by id; those of which nothing is known are left out."""

    def pairs(self, after: Pair | None, limit: int) -> list[Pair]:
        """Pairs of which something is known, rising, those behind `after` only."""

    def count(self) -> int:
        """How many pairs it knows."""

    def size(self) -> int:
        """Octets that it takes."""
