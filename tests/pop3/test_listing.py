"""LIST and UIDL of a maildrop of any length, whatever is marked in it."""

import asyncio
from array import array
from collections.abc import Callable, Set
from typing import Any, cast

import pytest

from apps.pop3.context import Context, State
from apps.pop3.handlers.listing import list_, uidl
from apps.pop3.maildrop import LISTED, Maildrop
from apps.pop3.proto.commands import parse

MANY = 2 * LISTED + 3


class Told:
    """A channel that keeps what was written, and how much was written between two waits."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = [b""]

    def write(self, data: bytes) -> None:
        self.pieces[-1] += data

    async def drain(self) -> None:
        self.pieces.append(b"")


def trace(number: int) -> bytes:
    return number.to_bytes(16, "big")


def drop(count: int, deleted: Set[int]) -> Maildrop:
    numbers = range(1, count + 1)
    return Maildrop(
        mailbox_id=1,
        uids=array("q", [10 * number for number in numbers]),
        sizes=array("q", [100 + number for number in numbers]),
        traces=b"".join(map(trace, numbers)),
        utf8=False,
        changed=frozenset(),
        deleted=set(deleted),
    )


def said(handler: Callable[..., Any], line: bytes, held: Maildrop) -> list[bytes]:
    told = Told()
    context = Context(cast(Any, told), cast(Any, None), state=State.TRANSACTION)
    context.drop = held
    asyncio.run(handler(context, parse(line)))
    return told.pieces


@pytest.mark.parametrize("count", [0, 1, LISTED - 1, LISTED, LISTED + 1, MANY])
@pytest.mark.parametrize(
    "marked", [set(), {1}, {LISTED, LISTED + 1}, set(range(1, LISTED + 1)), set(range(1, MANY + 1))]
)
def test_it_lists_what_is_not_marked(count: int, marked: set[int]) -> None:
    held = drop(count, {number for number in marked if number <= count})
    left = [number for number in range(1, count + 1) if number not in marked]

    sizes = b"".join(said(list_, b"LIST", held)).split(b"\r\n")
    uids = b"".join(said(uidl, b"UIDL", held)).split(b"\r\n")

    octets = sum(100 + number for number in left)
    assert sizes[0] == b"+OK %d messages (%d octets)" % (len(left), octets)
    assert sizes[1:] == [b"%d %d" % (number, 100 + number) for number in left] + [b".", b""]
    ids = [b"%d %d.%b" % (n, 10 * n, trace(n).hex().encode()) for n in left]
    assert uids == [b"+OK Unique ids", *ids, b".", b""]


def test_it_tells_one_message_as_the_listing_does() -> None:
    held = drop(MANY, set())
    listed = b"".join(said(uidl, b"UIDL", held)).split(b"\r\n")

    assert said(uidl, b"UIDL %d" % MANY, held) == [b"+OK " + listed[MANY] + b"\r\n"]


def test_it_waits_for_the_client_after_so_many_lines() -> None:
    pieces = said(list_, b"LIST", drop(MANY, set()))

    assert len(pieces) == 3
    assert max(piece.count(b"\r\n") for piece in pieces) == LISTED + 1
