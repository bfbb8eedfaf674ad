"""One transaction: every recipient's fate by what the server said at each step, or did not say."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from apps.remote.client import Lane
from apps.remote.patience import Patience
from apps.remote.types import Outcome, Result
from tests.remote.ground import SHORT, TEXT, carrying, envelope, mx
from tests.support.dns_server import DnsServer
from tests.support.smtp_sink import (
    CLOSE,
    DEAF,
    ENDLESS,
    EXTENSIONS,
    HANG,
    RESET,
    Action,
    SmtpSink,
    drip,
    huge,
    last,
)

pytestmark = pytest.mark.usefixtures("private")

SINGLY = tuple(one for one in EXTENSIONS if one != "PIPELINING")
BOB, BEA, BEN = "bob@example.org", "bea@example.org", "ben@example.org"
BIG = TEXT + b"x" * 70 + b"\r\n" + (b"." * 78 + b"\r\n") * 40_000

Open = Callable[[SmtpSink], Awaitable[Lane]]


IMPATIENT = replace(SHORT, mail=0.8, recipient=0.8, data=0.8, block=0.8, end=0.8)


@asynccontextmanager
async def opening(dns: DnsServer, patience: Patience) -> AsyncIterator[Open]:
    """Makes lanes to sinks."""
    dns.mail("example.org")
    async with carrying(dns, patience) as carrier:

        async def make(sink: SmtpSink) -> Lane:
            return await carrier.lane(mx(port=sink.port))

        yield make


@pytest.fixture
async def open_lane(dns: DnsServer) -> AsyncIterator[Open]:
    async with opening(dns, SHORT) as make:
        yield make


@pytest.fixture
async def open_impatiently(dns: DnsServer) -> AsyncIterator[Open]:
    """For servers that say nothing."""
    async with opening(dns, IMPATIENT) as make:
        yield make


@pytest.fixture(params=[EXTENSIONS, SINGLY], ids=["pipelined", "singly"])
def extensions(request: pytest.FixtureRequest) -> tuple[str, ...]:
    found: tuple[str, ...] = request.param
    return found


def by_address(results: list[Result], *addresses: str) -> dict[str, Result]:
    """The results, which must be one for each, by the addresses they were sent to."""
    assert sorted(result.ref for result in results) == list(range(1, len(addresses) + 1))
    return {addresses[result.ref - 1]: result for result in results}


@pytest.mark.parametrize(
    ("step", "reply", "outcome", "status"),
    [
        ("MAIL", "451 4.3.0 later", Outcome.DEFERRED, "4.3.0"),
        ("MAIL", "550 5.7.1 no", Outcome.FAILED, "5.7.1"),
        ("MAIL", "552 5.3.4 too big", Outcome.FAILED, "5.3.4"),
        ("RCPT", "450 4.2.1 greylisted", Outcome.DEFERRED, "4.2.1"),
        ("RCPT", "450 later", Outcome.DEFERRED, "4.2.0"),
        ("RCPT", "550 5.1.1 no such user", Outcome.FAILED, "5.1.1"),
        ("RCPT", "550 no", Outcome.FAILED, "5.0.0"),
        ("RCPT", "552 5.2.2 full", Outcome.FAILED, "5.2.2"),
        ("RCPT", "452 4.2.2 full", Outcome.DEFERRED, "4.2.2"),
        ("RCPT", "452 too many recipients", Outcome.DEFERRED, "4.3.1"),
        ("RCPT", "552 5.5.3 too many recipients", Outcome.DEFERRED, "4.5.3"),
        ("RCPT", "354 what", Outcome.DEFERRED, "4.0.0"),
        ("RCPT", "251 2.1.5 will forward", Outcome.DELIVERED, "2.0.0"),
        ("DATA", "451 4.7.1 greylisted", Outcome.DEFERRED, "4.7.1"),
        ("DATA", "554 5.7.1 no", Outcome.FAILED, "5.7.1"),
        (".", "451 4.3.0 disk full", Outcome.DEFERRED, "4.3.0"),
        (".", "550 5.7.1 spam", Outcome.FAILED, "5.7.1"),
        (".", "354 more?", Outcome.DEFERRED, "4.0.0"),
    ],
)
async def test_it_tells_what_the_server_said(
    open_lane: Open,
    extensions: tuple[str, ...],
    step: str,
    reply: str,
    outcome: Outcome,
    status: str,
) -> None:
    with SmtpSink(extensions=extensions) as sink:
        lane = await open_lane(sink)
        sink.on(step, reply, times=1)
        (result,) = await lane.send(envelope())
        assert (result.outcome, result.status, result.is_remote) == (outcome, status, True)
        if outcome is not Outcome.DELIVERED:
            assert f"{result.code} {result.reply}" == reply
        # And the connection is good for the next message.
        assert lane.is_usable
        sink.messages.clear()
        assert (await lane.send(envelope()))[0].outcome is Outcome.DELIVERED
        assert [message.text for message in sink.messages] == [TEXT]


async def test_it_tells_each_recipient_apart(open_lane: Open, extensions: tuple[str, ...]) -> None:
    with SmtpSink(extensions=extensions) as sink:
        lane = await open_lane(sink)
        sink.on(f"RCPT {BEA}", "550 5.1.1 no such user")
        sink.on(f"RCPT {BEN}", "450 4.2.1 later")
        found = by_address(await lane.send(envelope(BOB, BEA, BEN)), BOB, BEA, BEN)
        assert {address: result.outcome for address, result in found.items()} == {
            BOB: Outcome.DELIVERED,
            BEA: Outcome.FAILED,
            BEN: Outcome.DEFERRED,
        }
        assert [message.recipients for message in sink.messages] == [[BOB]]


async def test_it_tells_the_refusal_of_the_sender_to_all(
    open_lane: Open, extensions: tuple[str, ...]
) -> None:
    with SmtpSink(extensions=extensions) as sink:
        lane = await open_lane(sink)
        sink.on("MAIL", "550 5.7.1 you are not welcome")
        results = await lane.send(envelope(BOB, BEA))
        assert {result.reply for result in results} == {"5.7.1 you are not welcome"}
        assert len(results) == 2
        assert (sink.count("RCPT") == 0) is ("PIPELINING" not in extensions)


async def test_it_keeps_the_refusal_of_a_recipient_when_the_text_is_refused(
    open_lane: Open, extensions: tuple[str, ...]
) -> None:
    with SmtpSink(extensions=extensions) as sink:
        lane = await open_lane(sink)
        sink.on(f"RCPT {BEA}", "550 5.1.1 no such user")
        sink.on(".", "451 4.3.0 later")
        found = by_address(await lane.send(envelope(BOB, BEA)), BOB, BEA)
        assert (found[BOB].status, found[BEA].status) == ("4.3.0", "5.1.1")


async def test_it_sends_nobody_an_empty_message(open_lane: Open) -> None:
    """RFC 2920: the server may wait for a text though it took no recipient."""
    texts: list[bytes] = []

    async def refuse_late(session: Any) -> None:
        await session.write(b"550 5.1.1 no such user\r\n354 go ahead\r\n")
        assert await session.wire.line() == b"DATA"
        texts.append(await session.wire.message())
        await session.write(b"554 5.5.1 nobody to give it to\r\n")

    with SmtpSink() as sink:
        lane = await open_lane(sink)
        sink.on("RCPT", refuse_late, times=1)
        (result,) = await lane.send(envelope())
        assert result.status == "5.1.1"
        assert texts == [b""]
        assert lane.is_usable
        assert (await lane.send(envelope()))[0].outcome is Outcome.DELIVERED
        assert len(sink.messages) == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(
    ("action", "words"),
    [
        (CLOSE, "it closed the connection"),
        (RESET, "it closed the connection"),
        (HANG, "it did not answer in time"),
        (ENDLESS, "its reply is too long"),
        (huge(), "its reply is too long"),
        (b"2\x0050 \x00\r\n", "what it says is no SMTP reply"),
        (b"\r\n", "what it says is no SMTP reply"),
        (drip("250 slow", 0.2), "it did not answer in time"),
        (last("421 4.3.2 shutting down"), "4.3.2 shutting down"),
    ],
    ids=["close", "reset", "hang", "endless", "huge", "nul", "empty", "drip", "421"],
)
async def test_it_defers_when_the_server_misbehaves(
    open_impatiently: Open, extensions: tuple[str, ...], step: str, action: Action, words: str
) -> None:
    with SmtpSink(extensions=extensions) as sink:
        lane = await open_impatiently(sink)
        sink.on(step, action)
        results = await lane.send(envelope(BOB, BEA))
        assert [result.outcome for result in results] == [Outcome.DEFERRED] * 2
        assert all(words in result.reply for result in results)
        assert all(result.status in {"4.4.2", "4.3.2"} for result in results)
        assert not lane.is_usable
        if step == "." and "4.3.2" not in words:
            assert "it may have arrived" in results[0].reply
        elif "4.3.2" not in words:
            assert results[0].reply.startswith("mx.example.org: ")


async def test_it_takes_no_answer_that_comes_before_the_question(open_lane: Open) -> None:
    """A 250 behind the 354 is no answer to a text that was not sent yet."""
    with SmtpSink() as sink:
        lane = await open_lane(sink)
        sink.on("DATA", b"354 go ahead\r\n250 2.0.0 taken already\r\n")
        (result,) = await lane.send(envelope())
        assert (result.outcome, result.is_remote) == (Outcome.DEFERRED, False)
        assert result.reply == ("mx.example.org: it answered before the end of the text (the text)")
        assert sink.messages == []


async def test_it_counts_no_reply_that_nobody_asked_for(open_lane: Open) -> None:
    with SmtpSink() as sink:
        lane = await open_lane(sink)
        sink.on("MAIL", b"250 one\r\n250 two\r\n250 three\r\n354 four\r\n250 five\r\n")
        results = await lane.send(envelope())
        assert results[0].outcome is not Outcome.DELIVERED
        assert sink.messages == []
        assert not lane.is_usable


async def test_it_sends_a_large_message_in_pieces(
    open_lane: Open, extensions: tuple[str, ...]
) -> None:
    with SmtpSink(extensions=extensions) as sink:
        lane = await open_lane(sink)
        (result,) = await lane.send(envelope(text=BIG))
        assert result.outcome is Outcome.DELIVERED
        assert sink.messages[0].text == BIG


async def test_it_stops_when_the_server_refuses_in_the_middle(open_lane: Open) -> None:
    with SmtpSink() as sink:
        lane = await open_lane(sink)

        async def refuse(session: Any) -> None:
            await session.write(b"354 go ahead\r\n")
            await session.wire.more()
            await session.write(b"552 5.3.4 too big\r\n")
            await HANG(session)

        sink.on("DATA", refuse)
        (result,) = await lane.send(envelope(text=BIG * 4))
        assert (result.outcome, result.status) == (Outcome.FAILED, "5.3.4")
        assert not lane.is_usable


async def test_it_gives_up_on_a_server_that_does_not_read(open_impatiently: Open) -> None:
    with SmtpSink() as sink:
        lane = await open_impatiently(sink)
        sink.on("DATA", DEAF)
        (result,) = await lane.send(envelope(text=BIG * 4))
        assert result.outcome is Outcome.DEFERRED
        assert result.reply == "mx.example.org: it did not answer in time (the text)"


@pytest.mark.parametrize("most", [1, 2])
async def test_it_sends_the_rest_when_there_is_no_room_for_more_recipients(
    open_lane: Open, extensions: tuple[str, ...], most: int
) -> None:
    with SmtpSink(extensions=extensions) as sink:
        lane = await open_lane(sink)
        to = [f"user{number}@example.org" for number in range(5)]
        for address in to[most:]:
            sink.on(f"RCPT {address}", "452 4.5.3 too many recipients", times=1)
        results = await lane.send(envelope(*to))
        assert {result.outcome for result in results} == {Outcome.DELIVERED}
        assert len(results) == 5
        got = [address for message in sink.messages for address in message.recipients]
        assert sorted(got) == to
        assert len(sink.messages) == 2


async def test_it_sends_more_recipients_than_one_transaction_holds(open_lane: Open) -> None:
    with SmtpSink(extensions=("PIPELINING", "LIMITS RCPTMAX=40")) as sink:
        lane = await open_lane(sink)
        to = [f"user{number}@example.org" for number in range(100)]
        results = await lane.send(envelope(*to))
        assert len({result.ref for result in results}) == 100
        assert [len(message.recipients) for message in sink.messages] == [40, 40, 20]


async def test_it_goes_on_over_another_connection_when_one_ends(open_lane: Open) -> None:
    with SmtpSink(extensions=("PIPELINING", "LIMITS RCPTMAX=1")) as sink:
        lane = await open_lane(sink)
        sink.on(f"RCPT {BEA}", CLOSE)
        found = by_address(await lane.send(envelope(BOB, BEA, BEN)), BOB, BEA, BEN)
        assert [found[one].outcome for one in (BOB, BEA, BEN)] == [
            Outcome.DELIVERED,
            Outcome.DEFERRED,
            Outcome.DELIVERED,
        ]
        assert sink.sessions == 2


@pytest.mark.parametrize("action", [CLOSE, RESET, last("421 4.7.0 too many messages")])
async def test_it_connects_anew_when_a_used_connection_has_ended(
    open_lane: Open, extensions: tuple[str, ...], action: Action
) -> None:
    with SmtpSink(extensions=extensions) as sink:
        lane = await open_lane(sink)
        await lane.send(envelope())
        sink.on("MAIL", action, times=1)
        assert (await lane.send(envelope(BEA)))[0].outcome is Outcome.DELIVERED
        assert (await lane.probe("", BEN)).outcome is Outcome.DELIVERED
        sink.on("MAIL", action, times=1)
        assert (await lane.probe("", BEN)).outcome is Outcome.DELIVERED
        assert sink.sessions == 3
        assert [message.recipients for message in sink.messages] == [[BOB], [BEA]]


async def test_it_does_not_connect_anew_for_ever(open_lane: Open) -> None:
    with SmtpSink() as sink:
        lane = await open_lane(sink)
        await lane.send(envelope())
        sink.on("MAIL", CLOSE)
        assert (await lane.send(envelope()))[0].outcome is Outcome.DEFERRED
        assert sink.sessions == 2


async def test_it_tells_that_no_other_connection_could_be_had(open_lane: Open) -> None:
    with SmtpSink(extensions=("PIPELINING", "LIMITS RCPTMAX=1")) as sink:
        lane = await open_lane(sink)
        await lane.send(envelope())
        sink.on("MAIL", CLOSE)
        sink.on("CONNECT", "421 4.3.2 full")
        results = await lane.send(envelope(BOB, BEA, "x"))
        found = by_address(results, BOB, BEA, "x")
        assert (found[BOB].status, found[BEA].reply) == ("4.3.2", "4.3.2 full")
        assert found["x"].outcome is Outcome.FAILED
        assert (await lane.probe("", BOB)).outcome is Outcome.DEFERRED


class Stop(Exception):
    """The lease is lost."""


@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("text", [TEXT, BIG], ids=["small", "big"])
async def test_it_sends_nothing_when_the_fence_is_up(
    open_lane: Open, extensions: tuple[str, ...], call: int, text: bytes
) -> None:
    calls = 0

    async def fence() -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Stop

    with SmtpSink(extensions=extensions) as sink:
        lane = await open_lane(sink)
        with pytest.raises(Stop):
            await lane.send(envelope(text=text), fence=fence)
        assert calls == call
        assert not lane.is_usable
        other = await open_lane(sink)
        await other.send(envelope(BEA))
        assert [message.recipients for message in sink.messages] == [[BEA]]


async def test_it_does_not_take_the_fences_timeout_for_the_servers(open_lane: Open) -> None:
    async def fence() -> None:
        raise TimeoutError("the database")

    with SmtpSink() as sink:
        lane = await open_lane(sink)
        with pytest.raises(TimeoutError, match="the database"):
            await lane.send(envelope(), fence=fence)


async def test_it_cuts_the_connection_when_it_is_cancelled(open_lane: Open) -> None:
    with SmtpSink() as sink:
        lane = await open_lane(sink)
        sink.on("DATA", DEAF)
        waiting = asyncio.Event()

        async def fence() -> None:
            waiting.set()

        task = asyncio.ensure_future(lane.send(envelope(text=BIG * 4), fence=fence))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not lane.is_usable
        assert sink.messages == []


async def test_it_tells_per_recipient_what_the_server_cannot_take(open_lane: Open) -> None:
    with SmtpSink(extensions=("PIPELINING", "8BITMIME")) as sink:
        lane = await open_lane(sink)
        found = by_address(
            await lane.send(envelope(BOB, "grüße@example.org", "x")),
            *(BOB, "grüße@example.org", "x"),
        )
        assert found[BOB].outcome is Outcome.DELIVERED
        assert not found[BOB].kept_dsn
        for address, status in (("grüße@example.org", "5.6.7"), ("x", "5.1.3")):
            result = found[address]
            assert (result.outcome, result.status) == (Outcome.FAILED, status)
            assert not result.is_remote
        assert lane.is_usable


async def test_it_asks_without_sending(open_lane: Open, extensions: tuple[str, ...]) -> None:
    with SmtpSink(extensions=extensions) as sink:
        lane = await open_lane(sink)
        sink.on(f"RCPT {BEA}", "550 5.1.1 no such user")
        sink.on(f"RCPT {BEN}", "451 4.3.0 later")
        assert (await lane.probe("", BOB)).outcome is Outcome.DELIVERED
        assert (await lane.probe("", BEA)).status == "5.1.1"
        assert (await lane.probe("", BEN)).outcome is Outcome.DEFERRED
        assert (await lane.probe("", "x")).status == "5.1.3"
        sink.on("MAIL", "550 5.7.1 no null sender", times=1)
        refused = await lane.probe("", BOB)
        assert (refused.outcome, refused.status) == (Outcome.DEFERRED, "4.7.1")
        assert lane.is_usable
        assert (await lane.send(envelope()))[0].outcome is Outcome.DELIVERED
        assert sink.count("DATA") == 1


@pytest.mark.parametrize("action", [CLOSE, HANG, ENDLESS, last("421 4.3.2 bye")])
async def test_it_cannot_say_when_the_server_does_not(
    open_impatiently: Open, action: Action
) -> None:
    with SmtpSink() as sink:
        lane = await open_impatiently(sink)
        sink.on("RCPT", action)
        result = await lane.probe("", BOB)
        assert result.outcome is Outcome.DEFERRED
        assert not lane.is_usable
