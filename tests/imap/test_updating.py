"""Results kept up to date: whatever happens, the client's list is what a new search would find."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.imap.context import Context, Selected
from apps.imap.proto.scanner import Scanner
from apps.imap.proto.search import parse_program
from apps.imap.search.finding import find
from apps.imap.search.updating import Updating, _bits, _without, frozen
from apps.imap.selected.mirror import Mirror
from apps.imap.selected.places import places_of
from apps.imap.selected.view import View
from apps.wire.lines import RawCommand

SEEN = 1
PROGRAMS = ["UNSEEN", "SEEN", "ALL", "NOT 2:3", "OR 1 SEEN", "UID 3:6 UNSEEN", "$"]


@dataclass
class Channel:
    written: list[bytes] = field(default_factory=list)

    def write(self, data: bytes) -> None:
        self.written.append(data)


def numbers_of(text: str) -> list[int]:
    numbers: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition(":")
        numbers += range(int(low), int(high or low) + 1)
    return numbers


@dataclass
class Client:
    """One session's mailbox with one search, and what its client believes of the result."""

    mirror: Mirror
    view: View
    context: Context
    channel: Channel
    updating: Updating
    uid: bool
    result: list[int] = field(default_factory=list)

    async def start(self) -> None:
        found = await find(self.context, self.view, self.updating._program)
        self.updating.start(found)
        self.result = found.numbers(found.places, uid=self.uid)

    async def told(self, *, expunges: bool) -> None:
        """As `telling.tell`."""
        await self._update()
        for seq in self.view.take(expunges=expunges).expunged:
            if not self.uid:
                self.result = [one - (one > seq) for one in self.result]
        await self._update()

    async def _update(self) -> None:
        await self.updating.tell(self.context)
        for line in self.channel.written:
            for verb, numbers in re.findall(r"(ADDTO|REMOVEFROM) \(0 ([0-9:,]+)\)", line.decode()):
                for number in numbers_of(numbers):
                    if verb == "ADDTO":
                        assert number not in self.result
                        self.result.append(number)
                    else:
                        self.result.remove(number)
        self.channel.written.clear()

    async def expected(self) -> list[int]:
        found = await find(self.context, self.view, self.updating._program)
        return found.numbers(found.places, uid=self.uid)


def client_of(mirror: Mirror, keys: str, *, uid: bool) -> Client:
    view, channel = View(mirror), Channel()
    context = Context(cast(Any, channel), cast(Any, None), tag=b"a")
    context.selected = cast(Selected, None)
    program = frozen(view, parse_program(Scanner(RawCommand((keys.encode(),)))))
    updating = Updating(view, b"a", program, uid=uid, fetch=None)
    return Client(mirror, view, context, channel, updating, uid)


def filled(count: int) -> Mirror:
    mirror = Mirror(1)
    mirror.apply([(uid, uid % 2, 0, uid) for uid in range(1, count + 1)], [], count)
    return mirror


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 1)),
        st.tuples(st.just("expunge"), st.integers(1, 7)),
        st.tuples(st.just("flag"), st.integers(1, 7)),
        st.tuples(st.just("tell"), st.booleans()),
    ),
    max_size=25,
)


async def _play(keys: str, steps: list[tuple[str, int]], *, uid: bool) -> None:
    mirror = filled(6)
    client = client_of(mirror, keys, uid=uid)
    await client.start()
    modseq = 100
    for what, value in steps:
        modseq += 1
        if what == "append":
            mirror.apply([(mirror.uidnext, value, 0, modseq)], [], modseq)
        elif what == "expunge":
            mirror.apply([], [value], modseq)
        elif what == "flag" and (flags := mirror.flags_of(value)) is not None:
            mirror.apply([(value, flags[0] ^ SEEN, 0, modseq)], [], modseq)
        elif what == "tell":
            await client.told(expunges=bool(value))
    await client.told(expunges=True)
    assert sorted(client.result) == await client.expected()


@given(st.sampled_from(PROGRAMS), STEPS, st.booleans())
def test_it_leaves_the_client_with_what_a_new_search_finds(
    keys: str, steps: list[tuple[str, int]], uid: bool
) -> None:
    asyncio.run(_play(keys, steps, uid=uid))


@pytest.mark.parametrize("uid", [True, False])
@pytest.mark.parametrize(
    "steps",
    [
        # In and out again, each told; changed above what was expunged; both at once.
        [("flag", 2), ("tell", 1), ("flag", 2), ("tell", 1), ("flag", 2), ("tell", 1)],
        [("flag", 5), ("flag", 6), ("expunge", 2), ("tell", 1)],
        [("flag", 4), ("expunge", 4), ("append", 0), ("tell", 0), ("expunge", 7), ("tell", 1)],
    ],
)
def test_it_follows(steps: list[tuple[str, int]], uid: bool) -> None:
    for keys in ("SEEN", "UNSEEN"):
        asyncio.run(_play(keys, steps, uid=uid))


@given(st.sets(st.integers(0, 30)))
def test_it_makes_bits_of_places(held: set[int]) -> None:
    assert places_of(_bits(sorted(held), 31)) == sorted(held)


def test_it_notes_what_was_expunged_while_others_were_read() -> None:
    async def play() -> None:
        mirror = filled(6)
        client = client_of(mirror, "ALL", uid=True)
        found = await find(client.context, client.view, client.updating._program)
        mirror.apply([], [2, 5], 50)
        client.updating.start(found)
        client.result = [1, 2, 3, 4, 5, 6]
        await client.told(expunges=True)
        assert client.result == [1, 3, 4, 6]

    asyncio.run(play())


@given(st.sets(st.integers(0, 300)), st.sets(st.integers(0, 300), min_size=1, max_size=200))
def test_it_moves_places_up(held: set[int], gone: set[int]) -> None:
    """By both ways: for few that are gone, and for many."""
    bits = sum(1 << place for place in held)
    left = [place - sum(one < place for one in gone) for place in sorted(held - gone)]
    assert places_of(_without(bits, sum(1 << place for place in gone))) == left
