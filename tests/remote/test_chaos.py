"""A server that does anything at any step: no message is called delivered that was not received,
none is received twice, every recipient has one fate."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from apps.remote.client import Carrier
from apps.remote.types import HopUnreachableError, Outcome, Result
from tests.remote.ground import SHORT, carrying, envelope, mx
from tests.support.dns_server import DnsServer
from tests.support.smtp_sink import (
    CLOSE,
    ENDLESS,
    EXTENSIONS,
    RESET,
    Action,
    SmtpSink,
    huge,
    last,
)

pytestmark = pytest.mark.usefixtures("private")

STEPS = ("CONNECT", "EHLO", "MAIL", "RCPT", "RCPT u2@example.org", "DATA", ".", "RSET", "QUIT")
PHASES = ("greeting", "hello", "mail", "recipient", "data", "block", "end", "quit")
QUICK = replace(SHORT, **dict.fromkeys(PHASES, 0.3))


def _noise(dice: random.Random) -> bytes:
    words = (b"250 ok\r\n", b"354 go\r\n", b"550 no\r\n", b"250-", b"\0", b"\r", b"\n")
    return b"".join(dice.choices(words, k=dice.randrange(1, 6)))


def _fault(dice: random.Random) -> Action:
    faults: tuple[Callable[[], Action], ...] = (
        lambda: CLOSE,
        lambda: RESET,
        lambda: ENDLESS,
        lambda: huge(200_000),
        lambda: _noise(dice),
        lambda: last("421 4.3.2 going down"),
        lambda: dice.choice(("421 x", "450 x", "452 x", "550 x", "552 x", "251 x", "354 x")),
    )
    return dice.choice(faults)()


async def _round(carrier: Carrier, sink: SmtpSink, dice: random.Random, mark: str) -> None:
    sink.forget()
    for _ in range(dice.randrange(1, 4)):
        sink.on(dice.choice(STEPS), _fault(dice), times=dice.randrange(1, 3))
    to = [f"u{number}@example.org" for number in range(dice.randrange(1, 5))]
    body = "x" * 70 + "\r\n"
    text = f"Subject: {mark}\r\n\r\n{body * dice.choice((1, 1, 3_000))}".encode()
    try:
        lane = await carrier.lane(mx(port=sink.port))
    except HopUnreachableError:
        return
    results: list[Result] = await lane.send(envelope(*to, text=text))
    carrier.give_back(lane)
    assert sorted(one.ref for one in results) == list(range(1, len(to) + 1))
    got = [message for message in list(sink.messages) if message.text.startswith(text[:20])]
    for one in results:
        times = sum(to[one.ref - 1] in message.recipients for message in got)
        assert times <= 1, (mark, one)
        if one.outcome is Outcome.DELIVERED:
            assert times == 1, (mark, one, lane.transcript)


@pytest.mark.parametrize("seed", [1, 2, pytest.param(3, marks=pytest.mark.long)])
async def test_it_keeps_its_word_whatever_the_server_does(dns: DnsServer, seed: int) -> None:
    dns.mail("example.org")
    dice = random.Random(seed)
    with SmtpSink(extensions=EXTENSIONS) as sink:
        async with carrying(dns, QUICK) as carrier:
            for number in range(60 if seed < 3 else 3_000):
                await _round(carrier, sink, dice, f"{seed}-{number}-")
