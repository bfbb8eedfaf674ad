"""From a next hop to results: hosts tried in turn, connections used again, words for failures."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from pytest_django import Settings

from apps.remote.client import MESSAGES, Carrier, Lane
from apps.remote.types import HopUnreachableError, NextHop, Outcome
from tests.remote.ground import SHORT, TEXT, carrying, envelope, mx
from tests.support.dns_server import DnsServer
from tests.support.services import free_port, wait_for
from tests.support.smtp_sink import CLOSE, HANG, SmtpSink, last, late

pytestmark = pytest.mark.usefixtures("private")


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink() as server:
        yield server


@pytest.fixture
async def carrier(dns: DnsServer) -> AsyncIterator[Carrier]:
    dns.mail("example.org")
    async with carrying(dns) as made:
        yield made


async def unreachable(carrier: Carrier, hop: NextHop) -> HopUnreachableError:
    with pytest.raises(HopUnreachableError) as caught:
        await carrier.connect(hop)
    return caught.value


async def test_it_delivers(carrier: Carrier, sink: SmtpSink) -> None:
    lane = await carrier.lane(mx(port=sink.port))
    (result,) = await lane.send(envelope())
    assert result.outcome is Outcome.DELIVERED
    assert (result.code, result.status, result.reply) == (250, "2.0.0", "2.0.0 taken")
    assert (result.host, result.address) == ("mx.example.org", sink.address)
    assert (result.is_remote, result.kept_dsn, result.tls) == (True, True, "")
    (message,) = sink.messages
    assert (message.sender, message.recipients) == ("alice@example.test", ["bob@example.org"])
    assert message.text == TEXT
    assert message.helo == "mail.example.test"


async def test_it_uses_a_connection_again(carrier: Carrier, sink: SmtpSink) -> None:
    for _ in range(3):
        lane = await carrier.lane(mx(port=sink.port))
        await lane.send(envelope())
        carrier.give_back(lane)
    assert (sink.sessions, len(sink.messages)) == (1, 3)
    assert sink.count("RSET") == 0


async def test_it_connects_anew_beside_a_lane_in_use(carrier: Carrier, sink: SmtpSink) -> None:
    first = await carrier.lane(mx(port=sink.port))
    second = await carrier.lane(mx(port=sink.port))
    assert first is not second
    assert sink.sessions == 2


async def test_it_does_not_use_a_connection_for_another_hop(
    carrier: Carrier, sink: SmtpSink, dns: DnsServer
) -> None:
    dns.mail("example.net", host="mx.example.org")
    carrier.give_back(await carrier.lane(mx(port=sink.port)))
    carrier.give_back(await carrier.lane(mx("example.net", port=sink.port)))
    assert sink.sessions == 2


async def test_it_quits_when_it_closes(carrier: Carrier, sink: SmtpSink) -> None:
    carrier.give_back(await carrier.lane(mx(port=sink.port)))
    await carrier.close()
    assert sink.count("QUIT") == 1


async def test_it_does_not_wait_long_for_the_answer_to_quit(dns: DnsServer, sink: SmtpSink) -> None:
    dns.mail("example.org")
    sink.on("QUIT", HANG)
    async with carrying(dns) as carrier:
        carrier.give_back(await carrier.lane(mx(port=sink.port)))
    assert sink.count("QUIT") == 1


async def _idle(carrier: Carrier, sink: SmtpSink) -> Lane:
    lane = await carrier.lane(mx(port=sink.port))
    await lane.send(envelope())
    carrier.give_back(lane)
    return lane


async def _until_unusable(lane: Lane) -> None:
    await asyncio.to_thread(wait_for, lambda: not lane.is_usable)


async def test_it_does_not_use_a_connection_that_the_server_closed(
    carrier: Carrier, sink: SmtpSink
) -> None:
    sink.on(".", last("250 2.0.0 taken, and good bye"), times=1)
    await _until_unusable(await _idle(carrier, sink))
    lane = await carrier.lane(mx(port=sink.port))
    assert (await lane.send(envelope()))[0].outcome is Outcome.DELIVERED
    assert sink.sessions == 2


async def test_it_does_not_use_a_connection_on_which_something_was_said_unasked(
    carrier: Carrier, sink: SmtpSink
) -> None:
    sink.on(".", b"250 2.0.0 taken\r\n421 4.3.2 going down\r\n", times=1)
    lane = await _idle(carrier, sink)
    await _until_unusable(lane)
    await carrier.lane(mx(port=sink.port))
    assert sink.sessions == 2
    assert len(sink.messages) == 1


@pytest.mark.parametrize(("limit", "sessions"), [("", 1), ("LIMITS MAILMAX=2", 2)])
async def test_it_sends_no_more_over_a_connection_than_the_server_says(
    dns: DnsServer, limit: str, sessions: int
) -> None:
    dns.mail("example.org")
    with SmtpSink(extensions=("PIPELINING", limit) if limit else ("PIPELINING",)) as sink:
        async with carrying(dns) as carrier:
            for _ in range(4):
                lane = await carrier.lane(mx(port=sink.port))
                await lane.send(envelope())
                carrier.give_back(lane)
        assert (sink.sessions, len(sink.messages)) == (sessions, 4)


async def test_it_ends_a_connection_after_many_messages(carrier: Carrier, sink: SmtpSink) -> None:
    for _ in range(MESSAGES + 1):
        lane = await carrier.lane(mx(port=sink.port))
        await lane.send(envelope())
        carrier.give_back(lane)
    assert sink.sessions == 2


@pytest.mark.parametrize("silence", ["greeting", "port"])
async def test_it_tries_the_next_host(
    carrier: Carrier, dns: DnsServer, sink: SmtpSink, silence: str
) -> None:
    with SmtpSink(host="127.0.0.2", port=sink.port) as bad:
        if silence == "greeting":
            bad.on("CONNECT", "554 5.3.2 go away")
        address = "127.0.0.2" if silence == "greeting" else "127.0.0.3"
        dns.add("example.org", "MX", "1 bad.example.org.", "2 mx.example.org.")
        dns.add("bad.example.org", "A", address)
        lane = await carrier.lane(mx(port=sink.port))
        assert lane.host == "mx.example.org"
        assert (await lane.send(envelope()))[0].outcome is Outcome.DELIVERED


async def test_it_tries_the_next_address_of_a_host(
    carrier: Carrier, dns: DnsServer, sink: SmtpSink
) -> None:
    dns.add("mx.example.org", "A", "127.0.0.3", "127.0.0.4", "127.0.0.1")
    assert (await carrier.lane(mx(port=sink.port))).address == sink.address


async def test_it_prefers_ipv6(carrier: Carrier, dns: DnsServer, sink: SmtpSink) -> None:
    with SmtpSink(host="::1", port=sink.port) as other:
        dns.add("mx.example.org", "AAAA", "::1")
        assert (await carrier.lane(mx(port=sink.port))).address == other.address
    assert other.sessions == 1


async def test_it_goes_over_ipv4_where_ipv6_is_dead(
    carrier: Carrier, dns: DnsServer, sink: SmtpSink
) -> None:
    dns.add("mx.example.org", "AAAA", "::1")
    assert (await carrier.lane(mx(port=sink.port))).address == sink.address


async def test_it_connects_from_the_source_address(
    carrier: Carrier, sink: SmtpSink, settings: Settings
) -> None:
    settings.SMTP_OUT_ADDRESS = ("127.0.0.77",)
    lane = await carrier.lane(mx(port=sink.port))
    transport = lane.peer.wire.transport
    assert transport is not None
    assert transport.get_extra_info("sockname")[0] == "127.0.0.77"


async def test_it_does_not_let_the_kernel_wait_with_short_segments(
    carrier: Carrier, sink: SmtpSink
) -> None:
    lane = await carrier.lane(mx(port=sink.port))
    transport = lane.peer.wire.transport
    assert transport is not None
    channel = transport.get_extra_info("socket")
    assert channel.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_it_says_helo_where_ehlo_is_not_known(carrier: Carrier, sink: SmtpSink) -> None:
    sink.on("EHLO", "502 what?")
    lane = await carrier.lane(mx(port=sink.port))
    assert (await lane.send(envelope()))[0].outcome is Outcome.DELIVERED
    assert sink.messages[0].mail_parameters == ""
    assert sink.count("HELO") == 1


async def test_it_tells_that_nobody_answers(carrier: Carrier) -> None:
    port = free_port()
    error = await unreachable(carrier, mx(port=port))
    assert (error.status, error.is_permanent, error.is_remote) == ("4.4.1", False, False)
    assert error.reply == "mx.example.org [127.0.0.1] does not answer: connection refused"
    assert error.host == "mx.example.org"
    assert len(error.attempts) == 1


@pytest.mark.parametrize(
    ("step", "reply", "status", "is_permanent"),
    [
        ("CONNECT", "554 5.7.1 blocked", "4.7.1", False),
        ("CONNECT", "421 4.3.2 busy", "4.3.2", False),
        ("CONNECT", "521 no mail here", "5.3.2", True),
        ("EHLO", "451 4.7.1 greylisted", "4.7.1", False),
        ("EHLO", "421 too many", "4.3.2", False),
        ("HELO", "550 5.7.1 your name is bad", "5.7.1", True),
    ],
)
async def test_it_tells_what_a_server_says_that_does_not_want_to_talk(
    carrier: Carrier, sink: SmtpSink, step: str, reply: str, status: str, is_permanent: bool
) -> None:
    if step == "HELO":
        sink.on("EHLO", "502 what?")
    sink.on(step, reply)
    error = await unreachable(carrier, mx(port=sink.port))
    assert (error.status, error.is_permanent, error.is_remote) == (status, is_permanent, True)
    assert f"{error.code} {error.reply}" == reply
    assert (error.host, error.address) == ("mx.example.org", sink.address)
    assert f"< {reply}" in error.attempts


async def test_it_fails_for_good_only_if_every_host_does(
    carrier: Carrier, dns: DnsServer, sink: SmtpSink
) -> None:
    dns.add("example.org", "MX", "1 mx.example.org.", "2 gone.example.org.")
    sink.on("CONNECT", "521 no mail here")
    assert (await unreachable(carrier, mx(port=sink.port))).is_permanent
    dns.add("example.net", "MX", "1 mx.example.org.", "2 slow.example.org.")
    dns.fail("slow.example.org")
    error = await unreachable(carrier, mx("example.net", port=sink.port))
    assert error.status == "4.4.3"
    assert "< 521 no mail here" in error.attempts


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (CLOSE, "mx.example.org closed the connection before mail could be sent"),
        (HANG, "mx.example.org did not answer in time"),
        (b"SSH-2.0-OpenSSH\r\n", "mx.example.org does not speak SMTP: what it says is no"),
    ],
)
async def test_it_tells_what_a_server_does_that_does_not_talk(
    dns: DnsServer, sink: SmtpSink, action: object, words: str
) -> None:
    dns.mail("example.org")
    sink.on("CONNECT", action)  # type: ignore[arg-type]
    async with carrying(dns, replace(SHORT, greeting=2)) as carrier:
        error = await unreachable(carrier, mx(port=sink.port))
    assert error.status == "4.4.2"
    assert error.reply.startswith(words)


async def test_it_bounds_the_search_as_a_whole(dns: DnsServer) -> None:
    dns.mail("example.org")
    with SmtpSink() as sink:
        sink.on("CONNECT", late("220 slow", 5))
        async with carrying(dns, replace(SHORT, greeting=9, hop=0.2)) as carrier:
            error = await unreachable(carrier, mx(port=sink.port))
    assert error.reply == "no server of example.org was ready within 0.2 seconds"
    assert error.status == "4.4.1"


async def test_it_tells_why_there_is_no_host(carrier: Carrier, dns: DnsServer) -> None:
    dns.add("null.example", "MX", "0 .")
    assert (await unreachable(carrier, mx("null.example"))).status == "5.1.10"
    assert (await unreachable(carrier, mx("none.example"))).status == "5.1.2"


async def test_it_leaves_no_connection_open_when_it_is_cancelled(
    carrier: Carrier, sink: SmtpSink
) -> None:
    sink.on("EHLO", HANG)
    task = asyncio.ensure_future(carrier.lane(mx(port=sink.port)))
    await asyncio.to_thread(wait_for, lambda: sink.count("EHLO"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    sink.forget()
    lane = await carrier.lane(mx(port=sink.port))
    assert lane.is_usable


async def test_it_writes_a_transcript(carrier: Carrier, sink: SmtpSink) -> None:
    lane = await carrier.lane(mx(port=sink.port))
    await lane.send(envelope("first@example.org"))
    sink.on("RCPT", "550 5.1.1 no \u202e\u2066such\x1b[1m user")
    await lane.send(envelope("second@example.org"))
    lines = lane.transcript.split("\n")
    assert lines[:3] == [
        f"* mx.example.org {sink.address}",
        "< 220 sink.test ESMTP",
        "> EHLO mail.example.test",
    ]
    assert lines[4:] == [
        f"> MAIL FROM:<alice@example.test> SIZE={len(TEXT)}",
        "> RCPT TO:<second@example.org>",
        "> DATA",
        "< 250 2.1.0 sender is fine",
        "< 550 5.1.1 no ??such?[1m user",
        "< 554 5.5.1 no valid recipients",
    ]
