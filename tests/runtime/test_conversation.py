"""A conversation's own promises: what is written together leaves together, and turns are shared."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from apps.runtime.connections import Lease
from apps.runtime.conversation import GATHERED, IN_A_ROW, Conversation, Patience
from apps.runtime.listener import Peer


@dataclass
class StandIn:
    """A transport and a lease, as far as a conversation uses them."""

    sent: list[bytes] = field(default_factory=list)
    closed: bool = False
    busy: bool = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True

    abort = close

    def set_write_buffer_limits(self, *, high: int) -> None:
        pass

    def heard(self) -> None:
        pass

    def release(self) -> None:
        pass


class Talk(Conversation):
    """Carries out what a test wants."""

    def __init__(self, other: StandIn) -> None:
        peer = Peer("127.0.0.1", 1, "127.0.0.1", 2, "imap", cast(Lease, other), tls=False)
        super().__init__(peer, Patience(), None)
        self.taken = b""
        self.connection_made(cast(asyncio.Transport, other))

    async def serve(self) -> None:
        while b"." not in self.taken:
            await self.wait()
        self.write(b"goodbye")

    def take(self, data: bytes) -> None:
        self.taken += data

    @property
    def buffered(self) -> int:
        return 0

    def drop_buffer(self) -> int:
        return 0


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_it_sends_together_what_was_written_in_one_turn() -> None:
    talk = Talk(other := StandIn())
    for line in (b"* 1 EXISTS\r\n", b"", b"a OK\r\n"):
        talk.write(line)
    await talk.drain()
    assert other.sent == []
    await turns()
    assert other.sent == [b"* 1 EXISTS\r\na OK\r\n"]
    talk.write(b"b OK\r\n")
    await turns()
    assert other.sent[1:] == [b"b OK\r\n"]
    talk.abort()


async def test_it_gathers_no_more_than_a_record_holds() -> None:
    talk = Talk(other := StandIn())
    for _ in range(9):
        talk.write(b"x" * (GATHERED // 4))
    assert [len(sent) for sent in other.sent] == [GATHERED, GATHERED]
    await turns()
    assert b"".join(other.sent) == b"x" * (GATHERED // 4 * 9)
    talk.abort()


async def test_it_sends_the_last_words_before_it_closes() -> None:
    talk = Talk(other := StandIn())
    talk.data_received(b".")
    await turns()
    assert other.sent == [b"goodbye"]
    assert other.closed


async def test_it_sends_nothing_to_a_client_that_is_gone() -> None:
    talk = Talk(other := StandIn())
    talk.write(b"lost")
    talk.connection_lost(None)
    talk.write(b"never")
    await turns()
    assert other.sent == []


async def test_it_gives_others_a_turn_between_commands_that_came_together() -> None:
    talk = Talk(StandIn())
    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(other())
    for _ in range(10 * (IN_A_ROW + 1)):
        await talk.drain()
    assert others >= 10
    running.cancel()
    talk.abort()
