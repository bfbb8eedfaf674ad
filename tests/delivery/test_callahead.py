"""Call-ahead: what a server's answer means, how long it is remembered, how often it is asked."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from apps.delivery import callahead
from apps.delivery.callahead import CallAhead, NoAnswer
from apps.directory.models import TransportScope
from apps.directory.services import transports
from apps.directory.services.transports import Server
from apps.remote.types import HopUnreachableError, NextHop, Outcome, Result
from apps.runtime.db import in_db
from apps.wire.errors import MailError, Overloaded, UnknownRecipient

pytestmark = pytest.mark.django_db(transaction=True)

YES = Result(0, Outcome.DELIVERED, 250, "2.1.5", "fine", is_remote=True)


def said(code: int, status: str = "", *, is_remote: bool = True) -> Result:
    outcome = Outcome.FAILED if code >= 500 else Outcome.DEFERRED
    return Result(0, outcome, code, status, "words", is_remote=is_remote)


class Asker:
    """Stands for the network: gives one answer, remembers the questions."""

    def __init__(self, answer: Result | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str]] = []
        self.gate: Callable[[], Awaitable[object]] | None = None
        self.began: asyncio.Queue[str] = asyncio.Queue()
        self.busy = self.most = 0

    async def __call__(self, hop: NextHop, address: str) -> Result:
        self.asked.append((hop.key, address))
        self.began.put_nowait(address)
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            if self.gate is not None:
                await self.gate()
        finally:
            self.busy -= 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def outcome(ahead: CallAhead, address: str = "x@relay.test") -> type[MailError] | None:
    try:
        await ahead.check(address)
    except MailError as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (YES, None),
        (said(550, "5.1.1"), UnknownRecipient),
        (said(550), UnknownRecipient),
        (said(553, "5.0.0"), UnknownRecipient),
        (said(550, "5.2.1"), UnknownRecipient),
        (said(450, "4.2.0"), NoAnswer),
        (said(550, "5.7.1"), NoAnswer),
        (said(554, "5.7.606"), NoAnswer),
        (said(503), NoAnswer),
        (said(550, "5.6.7", is_remote=False), UnknownRecipient),
        (HopUnreachableError("4.4.1", "nobody there"), NoAnswer),
        (HopUnreachableError("5.1.2", "no such domain"), NoAnswer),
        (ConnectionResetError(), NoAnswer),
    ],
)
async def test_it_knows_what_an_answer_means(
    answer: Result | Exception, expected: type[MailError] | None
) -> None:
    assert await outcome(CallAhead(Asker(answer))) is expected


async def test_it_remembers_what_was_said() -> None:
    now = [1_000.0]
    asker = Asker(YES)
    ahead = CallAhead(asker, now=lambda: now[0])

    for answer, seconds in (
        (YES, callahead.KNOWN_SECONDS),
        (said(550, "5.1.1"), callahead.UNKNOWN_SECONDS),
        (said(450), callahead.SILENT_SECONDS),
    ):
        asker.answer, before = answer, len(asker.asked)
        first = await outcome(ahead, "X@relay.test")
        asker.answer = YES
        now[0] += seconds - 1
        assert await outcome(ahead, "x@RELAY.test") is first
        assert len(asker.asked) == before + 1
        now[0] += 2
        assert await outcome(ahead, "x@relay.test") is None
        assert len(asker.asked) == before + 2
        now[0] += callahead.KNOWN_SECONDS + 1


async def test_it_remembers_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callahead, "MOST", 2)
    asker = Asker(YES)
    ahead = CallAhead(asker)

    for name in ("a", "b", "a", "c", "a", "b"):
        await ahead.check(f"{name}@relay.test")
    assert [address[0] for _, address in asker.asked] == ["a", "b", "c", "b"]


async def test_it_asks_once_for_many_who_ask_at_once() -> None:
    asker = Asker(YES)
    opened = asyncio.Event()
    asker.gate = opened.wait
    ahead = CallAhead(asker)
    one = asyncio.create_task(outcome(ahead))
    others = [asyncio.create_task(outcome(ahead)) for _ in range(5)]
    await asyncio.wait_for(asker.began.get(), 30)
    one.cancel()  # the client who asked first has gone
    opened.set()

    assert await asyncio.gather(*others) == [None] * 5
    assert len(asker.asked) == 1


async def test_it_asks_a_server_on_few_connections() -> None:
    asker = Asker(YES)
    opened = asyncio.Event()
    asker.gate = opened.wait
    ahead = CallAhead(asker)
    tasks = [asyncio.create_task(outcome(ahead, f"u{n}@relay.test")) for n in range(20)]
    for _ in range(callahead.AT_ONCE):
        await asyncio.wait_for(asker.began.get(), 30)
    opened.set()

    assert await asyncio.gather(*tasks) == [None] * 20
    assert asker.most == callahead.AT_ONCE


async def test_it_lets_no_more_wait_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callahead, "WAITING", 1)
    asker = Asker(YES)
    asker.gate = asyncio.Event().wait
    ahead = CallAhead(asker)
    first = asyncio.create_task(outcome(ahead, "a@relay.test"))
    await asyncio.wait_for(asker.began.get(), 30)

    assert await outcome(ahead, "b@relay.test") is Overloaded
    await ahead.close()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_it_waits_for_nobody_longer_than_its_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(callahead, "PATIENCE", 0.05)
    asker = Asker(YES)
    asker.gate = asyncio.Event().wait

    assert await outcome(CallAhead(asker)) is NoAnswer


def _set_transport() -> None:
    transports.put(scope=TransportScope.RECIPIENT, domain="relay.test", server=Server("inner.test"))


async def test_it_asks_where_mail_would_go() -> None:
    asker = Asker(YES)
    ahead = CallAhead(asker)
    await ahead.check("x@relay.test")
    await in_db("write", _set_transport)
    await ahead.check("y@relay.test")

    (first, _), (second, _) = asker.asked
    assert first == "mx/relay.test"
    assert second.endswith("/smtp:inner.test:25")
