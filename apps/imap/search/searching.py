"""Evaluates a search program over the messages of a mailbox.

Every leaf is a mask of one octet per message, held as a big integer, so that AND, OR and NOT of ten
thousand messages are one operation each. Leaves are unknown as long as nobody has looked: the
program is run with bounds (surely, possibly), and only messages between the two need be looked at.
Pure. What the mirror tells is known at once; `apps.imap.search.finding` asks the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from apps.imap.proto.search import (
    All,
    ChangedSince,
    HasFlag,
    HasKeyword,
    InSet,
    Leaf,
    Op,
    Recent,
    SearchProgram,
)
from apps.imap.selected.view import View


@dataclass(frozen=True, slots=True)
class Bounds:
    """Masks: messages that surely match, and those that possibly do."""

    surely: int
    possibly: int

    @property
    def is_known(self) -> bool:
        """Whether nothing is open."""
        return self.surely == self.possibly

    def learned(self, among: int, marks: int) -> Bounds:
        """What is known when some messages have been looked at: of `among` those in `marks`
        match."""
        return Bounds(self.surely & ~among | marks, self.possibly & ~among | marks)

    def narrowed(self, other: Bounds) -> Bounds:
        """What is known when both are true."""
        return Bounds(self.surely | other.surely, self.possibly & other.possibly)


def to_mask(marks: bytes) -> int:
    """Return one octet per message as an integer."""
    return int.from_bytes(marks, "little")


def run(program: SearchProgram, leaves: Sequence[Bounds], everything: int) -> Bounds:
    """Run a program; `everything` is the mask of all messages."""
    stack: list[Bounds] = []
    for step in program.steps:
        if isinstance(step, int):
            stack.append(leaves[step])
        elif step is Op.NOT:
            top = stack.pop()
            stack.append(Bounds(everything ^ top.possibly, everything ^ top.surely))
        else:
            right, left = stack.pop(), stack.pop()
            if step is Op.AND:
                both = left.surely & right.surely, left.possibly & right.possibly
            else:
                both = left.surely | right.surely, left.possibly | right.possibly
            stack.append(Bounds(*both))
    return stack.pop()


# -- leaves that are known at once ----------------------------------------------------------------


@lru_cache(maxsize=8)
def _bit_table(bit: int) -> bytes:
    return bytes(bool(flags & bit) for flags in range(256))


class Subject:
    """The messages a search looks at, as they were when it began."""

    def __init__(self, view: View) -> None:
        mirror, count = view.mirror, view.live_count
        self.view = view
        self.uids = mirror.uids[:count]
        self.seqs = view.live_seqs
        self._flags = bytes(mirror.flags[:count])
        self._keywords = mirror.keywords[:count]
        self.modseqs = mirror.modseqs[:count]
        self._bits = {name.upper(): bit for bit, name in mirror.keyword_names.items()}
        self.everything = to_mask(b"\1" * count)

    def bounds(self, leaf: Leaf) -> Bounds:
        """Return what is known of a leaf without reading."""
        marks = self._marks(leaf)
        if marks is None:
            return Bounds(0, self.everything)
        mask = to_mask(marks)
        return Bounds(mask, mask)

    def _marks(self, leaf: Leaf) -> bytes | None:
        match leaf:
            case All():
                return b"\1" * len(self.uids)
            case HasFlag(bit):
                return self._flags.translate(_bit_table(bit))
            case HasKeyword(name):
                return self._keyword(name)
            case Recent():
                return self._recent()
            case ChangedSince(modseq):
                return bytes([one >= modseq for one in self.modseqs])
            case InSet(numbers, uid):
                return self.view.live_mask(numbers, uid=uid)
            case _:
                return None

    def _recent(self) -> bytes:
        marks = bytearray(len(self.uids))
        for start, end in self.view.recent_runs(self.uids):
            marks[start:end] = b"\1" * (end - start)
        return bytes(marks)

    def _keyword(self, name: str) -> bytes:
        bit = self._bits.get(name)
        if bit is None:
            return bytes(len(self.uids))
        mask = 1 << bit
        return bytes([keywords & mask != 0 for keywords in self._keywords])
