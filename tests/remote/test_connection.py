"""Octets to replies in order, and a transcript that stays small."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from apps.remote.connection import MAX_TRANSCRIPT, UNASKED, LostError, Transcript, Wire, open_wire
from apps.remote.replies import ReplyError
from tests.support.services import wait_for


class Remote:
    """The other end of a wire."""

    def __init__(self, wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.wire, self.reader, self.writer = wire, reader, writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


@asynccontextmanager
async def talking() -> AsyncIterator[Remote]:
    """A wire, and who it speaks with."""
    ours, theirs = socket.socketpair()
    wire = await open_wire(ours)
    reader, writer = await asyncio.open_connection(sock=theirs)
    try:
        yield Remote(wire, reader, writer)
    finally:
        wire.abort()
        writer.close()
        await writer.wait_closed()


async def test_it_hands_out_replies_in_order() -> None:
    async with talking() as remote:
        await remote.say(b"220 hello\r\n")
        assert (await remote.wire.reply()).code == 220
        remote.wire.send([b"MAIL FROM:<>", b"RCPT TO:<a@b>"])
        assert await remote.reader.readline() == b"MAIL FROM:<>\r\n"
        await remote.say(b"250 one\r\n550-two\r\n550 three\r\n")
        assert [(await remote.wire.reply()).code for _ in range(2)] == [250, 550]
        assert remote.wire.is_open
        assert not remote.wire.is_out_of_step


async def test_it_gives_what_was_said_before_the_end() -> None:
    async with talking() as remote:
        await remote.say(b"220 hello\r\n421 good bye\r\n")
        remote.writer.close()
        assert (await remote.wire.reply()).code == 220
        await asyncio.to_thread(wait_for, lambda: not remote.wire.is_open)
        assert remote.wire.is_out_of_step
        with pytest.raises(LostError) as caught:
            remote.wire.send([b"MAIL FROM:<>"])
        assert caught.value.reply is not None
        assert caught.value.reply.code == 421


async def test_it_tells_the_end_to_who_waits() -> None:
    async with talking() as remote:
        task = asyncio.ensure_future(remote.wire.reply())
        await asyncio.sleep(0)
        remote.writer.close()
        with pytest.raises(LostError, match="it closed the connection"):
            await task


async def test_it_hangs_up_on_who_says_what_nobody_asked_for() -> None:
    async with talking() as remote:
        await remote.say(b"220 hello\r\n" + b"250 what is this\r\n" * 10_000)
        await asyncio.to_thread(wait_for, lambda: not remote.wire.is_open)
        for _ in range(UNASKED + 2):
            await remote.wire.reply()
        with pytest.raises(ReplyError, match="nobody asked for"):
            await remote.wire.reply()


async def test_it_waits_until_text_is_read() -> None:
    async with talking() as remote:
        remote.wire.send([])
        task = asyncio.ensure_future(_flood(remote.wire))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await asyncio.shield(task)
        reading = asyncio.ensure_future(remote.reader.read(-1))
        sent = await task
        assert sent > 100_000
        remote.wire.abort()
        await asyncio.gather(reading, return_exceptions=True)


async def _flood(wire: Wire) -> int:
    sent = 0
    for _ in range(100):
        await wire.send_text(b"x" * 65_536)
        sent += 65_536
    return sent


def test_it_keeps_a_transcript_small() -> None:
    transcript = Transcript()
    transcript.add("<", "220 hello")
    transcript.begin()
    for number in range(10_000):
        transcript.add("<", f"250 {number} " + "x" * 100)
    text = str(transcript)
    assert len(text) < MAX_TRANSCRIPT
    assert text.startswith("< 220 hello\n* (")
    assert f"250 9999 {'x' * 100}" in text


def test_it_begins_a_transcript_anew_with_each_transaction() -> None:
    transcript = Transcript()
    transcript.add("*", "mx.example.org")
    transcript.begin()
    transcript.add(">", "MAIL FROM:<a@b>")
    transcript.begin()
    transcript.add(">", "MAIL FROM:<c@d>\r\nX")
    assert str(transcript) == "* mx.example.org\n> MAIL FROM:<c@d>??X"
