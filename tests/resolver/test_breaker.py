"""Nobody answers: questions fail at once. Somebody is silent about some names: they do not."""

import asyncio
import logging
import socket
from collections.abc import Iterator

import pytest

from apps.resolver import breaker
from apps.resolver.base import DnsUnavailableError
from apps.resolver.stub import StubResolver
from tests.support.dns_server import DnsServer

ROOT = (".", "NS")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "SECONDS", 0.3)
    monkeypatch.setattr(breaker, "AGAIN", 0.1)
    monkeypatch.setattr(breaker, "PAUSE", 0.05)


@pytest.fixture
def dns_server() -> Iterator[DnsServer]:
    with DnsServer() as server:
        server.add("example.org", "MX", "10 mx.example.org.")
        yield server


def resolver(*servers: DnsServer) -> StubResolver:
    return StubResolver([(one.host, one.port) for one in servers], is_trusted=False)


async def unavailable(stub: StubResolver, name: str) -> str:
    with pytest.raises(DnsUnavailableError) as caught:
        await stub.mx(name)
    return caught.value.reason


async def answers_again(stub: StubResolver) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await stub.mx("example.org")
            except DnsUnavailableError:
                await asyncio.sleep(0.01)
            else:
                return


async def seconds(stub: StubResolver, name: str) -> float:
    """How long a question takes that nobody answers."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    assert await unavailable(stub, name) == "no name server answers"
    return loop.time() - start


async def least_seconds(stub: StubResolver, name: str) -> float:
    """The best of five: the machine may stand still for a moment, and then says nothing of us."""
    return min([await seconds(stub, name) for _ in range(5)])


async def test_it_fails_all_questions_at_once_when_nobody_answers(
    dns_server: DnsServer, caplog: pytest.LogCaptureFixture
) -> None:
    dns_server.drop("")
    stub = resolver(dns_server)
    caplog.set_level(logging.INFO, "apps.resolver")
    first = await asyncio.gather(*(seconds(stub, f"{number}.example.org") for number in range(20)))
    assert max(first) < 4.0  # the root was asked, in place of five seconds for each
    assert await least_seconds(stub, "later.example.org") < 0.05
    assert [one.message for one in caplog.records] == [
        "no name server answers, questions to the DNS fail at once"
    ]


async def test_it_knows_before_it_is_asked(
    dns_server: DnsServer, caplog: pytest.LogCaptureFixture
) -> None:
    dns_server.drop("")
    caplog.set_level(logging.WARNING, "apps.resolver")
    stub = resolver(dns_server)
    stub.look_around()
    async with asyncio.timeout(10):
        while not caplog.records:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)
    assert await least_seconds(stub, "example.org") < 0.05


async def test_it_knows_at_once_that_no_server_runs() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    stub = StubResolver([("127.0.0.1", port)], is_trusted=False)
    assert await seconds(stub, "example.org") < 2.0
    assert await least_seconds(stub, "example.net") < 0.05


async def test_it_asks_again_as_soon_as_a_server_answers(
    dns_server: DnsServer, caplog: pytest.LogCaptureFixture
) -> None:
    dns_server.drop("")
    stub = resolver(dns_server)
    await seconds(stub, "example.org")
    dns_server.mend()
    caplog.set_level(logging.INFO, "apps.resolver")
    await answers_again(stub)
    assert "name servers answer again" in [one.message for one in caplog.records]


async def test_it_tries_the_root_once_in_a_while_and_only_when_asked(
    dns_server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns_server.drop("")
    stub = resolver(dns_server)
    await seconds(stub, "example.org")
    asked = dns_server.questions.count(ROOT)
    assert asked
    monkeypatch.setattr(breaker, "PAUSE", 3_600.0)
    for number in range(200):
        await seconds(stub, f"{number}.example.org")
    assert dns_server.questions.count(ROOT) <= asked + 2  # one probe, which may have been under way


async def test_it_is_not_fooled_by_names_that_nobody_answers_for(
    dns_server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever owns a domain with dead servers must not stop the look-ups for all others."""
    monkeypatch.setattr(breaker, "SECONDS", 10.0)  # the root's servers answer, if late
    silent = [f"{number}.evil.example" for number in range(30)]
    for name in silent:
        dns_server.drop(name)
    stub = resolver(dns_server)
    tasks = [asyncio.ensure_future(unavailable(stub, name)) for name in silent]
    loop = asyncio.get_running_loop()
    until = loop.time() + 1.0
    number = 0
    while loop.time() < until:
        number += 1
        dns_server.add(f"{number}.good.example", "MX", "10 mx.example.org.")
        assert (await stub.mx(f"{number}.good.example")).records
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_it_asks_the_root_before_it_believes_in_silence(
    dns_server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "SECONDS", 10.0)  # the root's servers answer, if late
    await (stub := resolver(dns_server)).mx("example.org")
    dns_server.drop("silent.example")
    task = asyncio.ensure_future(unavailable(stub, "silent.example"))
    async with asyncio.timeout(10):
        while ROOT not in dns_server.questions:  # noqa: ASYNC110 - asked in another thread
            await asyncio.sleep(0.01)
    dns_server.add("good.example", "MX", "10 mx.example.org.")
    assert (await stub.mx("good.example")).records
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_takes_a_failure_for_an_answer(dns_server: DnsServer) -> None:
    dns_server.fail("")
    stub = resolver(dns_server)
    assert await unavailable(stub, "example.org") == "name servers answered SERVFAIL"
    dns_server.mend()
    dns_server.add("example.net", "MX", "10 mx.example.org.")
    assert (await stub.mx("example.net")).records  # asked, and not refused


async def test_it_is_content_with_one_server_of_two(dns_server: DnsServer) -> None:
    with DnsServer() as silent:
        silent.drop("")
        stub = resolver(silent, dns_server)
        assert (await stub.mx("example.org")).records
        loop = asyncio.get_running_loop()
        start = loop.time()
        dns_server.add("example.net", "MX", "10 mx.example.org.")
        assert (await stub.mx("example.net")).records
        assert loop.time() - start < 1.0  # the silent one is asked last from now on


async def test_it_answers_from_memory_while_nobody_is_there(dns_server: DnsServer) -> None:
    stub = resolver(dns_server)
    await stub.mx("example.org")
    dns_server.drop("")
    await seconds(stub, "example.net")
    assert (await stub.mx("example.org")).records
    assert await seconds(stub, "example.com") < 0.05
